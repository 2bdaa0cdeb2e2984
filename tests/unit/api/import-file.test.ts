import { stringify } from 'csv-stringify/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readUncheckedDetails } from '../../../src/api/routes/providers/details.ts'
import { readProviderFile } from '../../../src/api/routes/providers/import-file.ts'

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
const read = (text: string | Buffer, size = 65_536) => readProviderFile(inChunks(Buffer.from(text), size))
const errorsOf = async (text: string | Buffer) => {
  const { rows, errors } = await read(text)
  return { lines: rows.map(({ line }) => line), errors: errors.listed.map(({ line, field }) => [line, field]) }
}

const HEADER = 'id,name,phone,email,time_zone'

describe('a file of providers', () => {
  it('is read with its columns in any order, quoted values, a byte order mark and any line ends', async () => {
    const text =
      '\ufeffPhone , name,ID\r\n(305) 555-0120,"Doe, ""Dana""",p1\n\r\n 3055550121 , Eve , p2 \r,,\n+13055550122,"F\r\nG",p3'
    for (const size of [1, 2, 3, 7, 65_536]) {
      const { rows, columns, errors } = await read(text, size)
      expect(errors.listed).toEqual([])
      expect([...columns]).toEqual(['phone', 'name', 'id'])
      expect(rows).toEqual([
        { line: 2, id: 'p1', name: 'Doe, "Dana"', phone: '+13055550120', email: null, timeZone: null },
        { line: 4, id: 'p2', name: 'Eve', phone: '+13055550121', email: null, timeZone: null },
        { line: 6, id: 'p3', name: 'F G', phone: '+13055550122', email: null, timeZone: null },
      ])
    }
  })

  it('is read with a byte order mark before a quoted header, and with spaces around quoted values', async () => {
    const { rows, errors } = await read('\ufeff"id","name","phone"\n "p1" , "Doe, Dana" , "+13055550120" ')
    expect(errors.listed).toEqual([])
    expect(rows).toMatchObject([{ id: 'p1', name: 'Doe, Dana', phone: '+13055550120' }])
  })

  it('names every bad line and every bad field of it', async () => {
    const lines = [
      HEADER,
      'p1,Amy,+13055550120,amy@example.com,America/New_York',
      ',Bea,+13055550121,,',
      'p3,,12,not an address,Mars/Olympus',
      'p4,Dan',
      'p5,Eve,+13055550122,,,more',
      'p1,Fay,+13055550123,,',
      'p7,Gil,(305) 555-0120,,',
      'p8,Hal,,,',
      `p9,${'x'.repeat(101)},+13055550124,,`,
      'p10,"Ida",+13055550125,,America/Chicago',
    ]
    expect(await errorsOf(lines.join('\n'))).toEqual({
      lines: [2, 7, 8, 11],
      errors: [
        [3, 'id'],
        [4, 'name'],
        [4, 'email'],
        [4, 'phone'],
        [4, 'time_zone'],
        [5, 'row'],
        [6, 'row'],
        [7, 'id'],
        [8, 'phone'],
        [9, 'phone'],
        [10, 'name'],
      ],
    })
  })

  it('takes the name of a time zone, and no offset, which quiet hours would not heed', async () => {
    const zones = ['America/New_York', 'US/Eastern', 'utc', '+05:30', '-05:00', '+00', '+0530']
    const lines = zones.map((zone, n) => `p${n},Amy,+1305555012${n},,${zone}`)
    expect(await errorsOf([HEADER, ...lines].join('\n'))).toEqual({
      lines: [2, 3, 4],
      errors: [5, 6, 7, 8].map((line) => [line, 'time_zone']),
    })
  })

  it('counts lines over values with line breaks and over blank lines', async () => {
    const text = `${HEADER}\r\n\r\np1,"A\r\n\r\nmy",+13055550120,,\r\n\r\np2,Bea,1,,\r\n`
    expect(await errorsOf(text)).toEqual({ lines: [3], errors: [[7, 'phone']] })
  })

  it.each([
    ['a quote inside a value', 'p2,Bea "B" Bo,+13055550121,,'],
    ['text after a quote', 'p2,"Bea"x,+13055550121,,'],
    ['a quote that is never closed', 'p2,"Bea,+13055550121,,'],
  ])('with %s is read up to there', async (_what, bad) => {
    const text = [HEADER, 'p1,Amy,1,,', bad, 'p3,"Cal",+13055550122,,', 'p4,Dan,2,,'].join('\n')
    for (const size of [1, 20, 65_536]) {
      const { errors } = await read(text, size)
      expect(errors.listed.map(({ line, field }) => [line, field])).toEqual([
        [2, 'phone'],
        [3, 'row'],
      ])
      expect(errors.listed[1]?.message).toContain('was not read')
    }
  })

  it('whose quote is never closed is not collected up to its end', async () => {
    let sent = 0
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from(`${HEADER}\np1,"Amy`)
      for (sent = 0; sent < 100; sent += 1) yield Buffer.alloc(8192, 'x')
    }
    const { errors } = await readProviderFile(endless())
    expect(errors.listed).toMatchObject([{ line: 2, field: 'row' }])
  })

  it.each([
    ['', [[1, 'row']]],
    ['\n\n', [[1, 'row']]],
    ['id,name\np1,Amy', [[1, 'phone']]],
    ['id,name,phone,id\n', [[1, 'id']]],
    ['id,name,phone,opted_out_at\n', [[1, 'opted_out_at']]],
    [
      'id;name;phone\n',
      [
        [1, 'id;name;phone'],
        [1, 'id'],
        [1, 'name'],
        [1, 'phone'],
      ],
    ],
    [
      'p1,Amy,+13055550120\n',
      [
        [1, 'p1'],
        [1, 'amy'],
        [1, '+13055550120'],
        [1, 'id'],
        [1, 'name'],
        [1, 'phone'],
      ],
    ],
    ['\nid,name,phone,,\n', [[2, 'row']]],
  ])('without a right header (%j) is not read any further', async (text, errors) => {
    expect(await errorsOf(text)).toEqual({ lines: [], errors })
  })

  it.each([
    ['id,name', 'x,"y'],
    ['name;phone', 'x,"y\n'],
    ['id,name', `${'x,y\n'.repeat(30_000)}z,"`],
  ])('without a right header (%j) is refused whatever follows it', async (header, rest) => {
    const { rows, errors } = await read(`${header}\n${rest}`)
    expect(rows).toEqual([])
    expect(errors.listed[0]?.line).toBe(1)
  })

  it('with a header alone holds no providers, and is fine', async () => {
    expect(await errorsOf(HEADER)).toEqual({ lines: [], errors: [] })
  })

  it('that is not UTF-8 is refused where it is not', async () => {
    const text = Buffer.concat([Buffer.from(`${HEADER}\np1,Zo`), Buffer.from([0xeb]), Buffer.from(',+13055550120,,')])
    expect(await errorsOf(text)).toEqual({ lines: [2], errors: [[2, 'name']] })
  })

  it('in UTF-16, which its byte order mark tells, is refused where it holds half a character', async () => {
    const text = Buffer.from(`\ufeff${HEADER}\np1,Zoë,+13055550120,,\np\ud800,Eve,+13055550121,,`, 'utf16le')
    expect(await errorsOf(text)).toEqual({ lines: [2, 3], errors: [[3, 'id']] })
  })

  it('does not read a number that is too long to be one, which would take time with the square of its marks', () => {
    // It would take longer than a test may.
    const phone = `+1${'\u0301\u0316'.repeat(200_000)}`
    expect(readUncheckedDetails({ name: 'Amy', phone }).errors.map(({ field }) => field)).toEqual(['phone'])
  })

  it('lists a thousand errors and counts the rest', async () => {
    const { errors } = await read([HEADER, ...Array.from({ length: 1200 }, (_, n) => `p${n},Amy,1,,`)].join('\n'))
    expect(errors.listed).toHaveLength(1000)
    expect(errors.summary).toBe('1200 errors, of which the first 1000 are listed')
  })

  it('holds at most 10000 providers', async () => {
    const row = (n: number) => `p${n},Amy,+1305${String(2_000_000 + n)},,`
    const rows = Array.from({ length: 10_002 }, (_, n) => row(n))
    const { rows: taken, errors } = await read([HEADER, ...rows].join('\n'))
    expect(taken).toHaveLength(10_000)
    expect(errors.listed).toMatchObject([{ line: 10_002, field: 'row' }])
  })

  it.each([
    ['blank lines', '\n', { line: 10_002, field: 'row' }],
    ['lines of spaces', ' \r\n', { line: 10_002, field: 'row' }],
    ['values in one line', ',', { line: 2, field: 'row' }],
    ['empty values in quotes in one line', '"",', { line: 2, field: 'row' }],
  ])('of nothing but %s is refused long before its end', async (_what, unit, error) => {
    const bytes = Buffer.from(unit.repeat((8 * 1024 * 1024) / unit.length))
    let taken = 0
    async function* counted() {
      yield Buffer.from(`${HEADER}\n`)
      for await (const chunk of inChunks(bytes, 65_536)) {
        taken += chunk.length
        yield chunk
      }
    }
    const { rows, errors } = await readProviderFile(counted())
    expect(rows).toEqual([])
    expect(errors.listed).toContainEqual({ ...error, message: expect.any(String) })
    expect(taken).toBeLessThan(1024 * 1024)
  })

  it.each([
    ['blank lines', '\n'],
    ['bad lines', 'p\n'],
  ])('of nothing but %s that comes in one piece lets others have their turn', async (_what, unit) => {
    const began = performance.now()
    let last = began
    let longest = 0
    const look = () => {
      const now = performance.now()
      longest = Math.max(longest, now - last)
      last = now
    }
    const timer = setInterval(look, 1)
    await read(`${HEADER}\n${unit.repeat(65_536 / unit.length)}`)
    look()
    clearInterval(timer)
    expect(longest / (last - began)).toBeLessThan(0.5)
  })

  it('says what another program wrote into it', async () => {
    const cell = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }).filter((text) => text.trim() !== '')
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { maxLength: 8 }), fc.integer({ min: 1, max: 40 }), async (names, size) => {
        const rows = names.map((name, n) => [`p${n}`, name, `+1305555${1000 + n}`])
        const text = stringify([['id', 'name', 'phone'], ...rows], { quoted_string: true, record_delimiter: 'windows' })
        const { rows: got, errors } = await read(text, size)
        expect(errors.listed).toEqual([])
        expect(got.map(({ id, name }) => [id, name])).toEqual(
          names.map((name, n) => [`p${n}`, name.replace(/\s+/g, ' ').trim()]),
        )
      }),
      { numRuns: 50 },
    )
  })
})
