import { Type } from 'typebox'

const time = Type.String()
const id = Type.Integer()
const status = Type.Union(
  (['q', 's', 'r', 'a', 'b', 'd', 'f', 'e', 'j', 'u', 'g'] as const).map((letter) => Type.Literal(letter)),
)

/** A delivery status letter. */
export const statusSchema = status

/** The file an emulator keeps its account in between two runs. */
export const stateFileSchema = Type.Object({
  version: Type.Literal(1),
  account: Type.Object({
    messages: Type.Array(
      Type.Object({
        id,
        sessionId: id,
        phone: Type.String(),
        text: Type.String(),
        referenceId: Type.Union([Type.String(), Type.Null()]),
        from: Type.String(),
        partsCount: Type.Integer(),
        charset: Type.Union([Type.Literal('ISO-8859-1'), Type.Literal('UTF-16BE')]),
        status,
        rejectReason: Type.Union([Type.String(), Type.Null()]),
        acceptedAt: time,
      }),
    ),
    sessions: Type.Array(
      Type.Object({
        id,
        text: Type.String(),
        referenceId: Type.Union([Type.String(), Type.Null()]),
        numbersCount: Type.Integer(),
        price: Type.Number(),
        startTime: time,
      }),
    ),
    replies: Type.Array(
      Type.Object({ id, from: Type.String(), to: Type.String(), text: Type.String(), receivedAt: time }),
    ),
    unsubscribers: Type.Array(Type.Object({ id, phone: Type.String(), unsubscribedAt: time })),
    nextId: Type.Object({ message: id, session: id, reply: id, unsubscriber: id }),
  }),
})
