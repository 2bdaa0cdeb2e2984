import { Type } from 'typebox'

/** Fields of answers. */
export const Timestamp = Type.String({ format: 'date-time' })
export const NullableTimestamp = Type.Union([Timestamp, Type.Null()])
export const NullableText = Type.Union([Type.String(), Type.Null()])
