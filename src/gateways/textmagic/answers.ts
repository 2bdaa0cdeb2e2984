import { Type } from 'typebox'

/** Ids and references are integers in some places of the public specification and strings in others. */
const idSchema = Type.Union([Type.Integer(), Type.String({ minLength: 1 })])
const optionalText = Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Null()]))

/** 201 to a send. One receiver makes `id` that of the message; `messageId` is not promised to be filled. */
export const sendAnswerSchema = Type.Object({
  id: idSchema,
  type: Type.Optional(Type.String()),
  messageId: Type.Optional(Type.Union([idSchema, Type.Null()])),
})

/** 400: `fields` names what was refused. */
export const refusalSchema = Type.Object({
  errors: Type.Object({ fields: Type.Record(Type.String(), Type.Unknown()) }),
})

export const sessionSchema = Type.Object({
  id: idSchema,
  referenceId: Type.Optional(Type.Union([idSchema, Type.Literal(''), Type.Null()])),
  startTime: optionalText,
})

export const messageSchema = Type.Object({
  id: idSchema,
  status: Type.String({ minLength: 1 }),
  rejectReason: optionalText,
})

/** A message in a list, which is not promised to tell its status. */
const listedMessageSchema = Type.Object({ id: idSchema, receiver: optionalText })

/**
 * A text from a person, in the fields of the inbound callback (`readInboundSms`). Only its id is checked here: one odd text
 * must not hide the others of its page, and is judged where callbacks are.
 */
export type TextMagicReply = { id: number | string; [field: string]: unknown }
const replySchema = Type.Unsafe<TextMagicReply>(Type.Object({ id: idSchema }))

const page = { pageCount: Type.Optional(Type.Union([Type.Integer(), Type.Null()])) }
export const sessionPageSchema = Type.Object({ ...page, resources: Type.Array(sessionSchema) })
export const messagePageSchema = Type.Object({ ...page, resources: Type.Array(listedMessageSchema) })
export const replyPageSchema = Type.Object({ ...page, resources: Type.Array(replySchema) })

export type Page<Item> = { pageCount?: number | null; resources: Item[] }
