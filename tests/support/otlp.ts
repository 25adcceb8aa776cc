/** Reads OTLP's protobuf (opentelemetry-proto trace/v1 and common/v1) as far as the tests ask; by the wire format of Protocol Buffers. */

/** One field: varints and fixed numbers as bigint, the rest as bytes. */
type Field = { readonly number: number; readonly value: bigint | Buffer };

function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at] ?? Number.NaN;
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('a field ends beyond its message');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const wire = key & 7;
    if (wire === 0) fields.push({ number: key >> 3, value: varint() });
    else if (wire === 1) fields.push({ number: key >> 3, value: take(8).readBigUInt64LE() });
    else if (wire === 2) fields.push({ number: key >> 3, value: take(Number(varint())) });
    else if (wire === 5) fields.push({ number: key >> 3, value: BigInt(take(4).readUInt32LE()) });
    else throw new RangeError(`wire type ${wire}`);
  }
  return fields;
}

const all = (bytes: Buffer, number: number): Buffer[] =>
  fieldsOf(bytes).flatMap((field) => (field.number === number && Buffer.isBuffer(field.value) ? [field.value] : []));
const first = (bytes: Buffer, number: number): Buffer => all(bytes, number)[0] ?? Buffer.alloc(0);
const number = (bytes: Buffer, wanted: number): number =>
  Number(fieldsOf(bytes).find((field) => field.number === wanted)?.value ?? 0n);

/** AnyValue: string 1, bool 2, int 3, double 4, array 5. */
function anyValue(bytes: Buffer): unknown {
  const [field] = fieldsOf(bytes);
  if (field === undefined) return '';
  if (!Buffer.isBuffer(field.value)) return field.number === 2 ? field.value === 1n : Number(field.value);
  return field.number === 5 ? all(field.value, 1).map(anyValue) : field.value.toString('utf8');
}

const attributesOf = (list: readonly Buffer[]): Record<string, unknown> =>
  Object.fromEntries(list.map((entry) => [first(entry, 1).toString(), anyValue(first(entry, 2))]));

/** A span as it arrived. */
export interface ArrivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentId: string;
  readonly kind: number;
  readonly attributes: Record<string, unknown>;
  /** 2: an error. */
  readonly status: number;
  readonly resource: Record<string, unknown>;
}

/** The spans of one ExportTraceServiceRequest. */
export const spansOf = (body: Buffer): ArrivedSpan[] =>
  all(body, 1).flatMap((group) => {
    const resource = attributesOf(all(first(group, 1), 1));
    return all(group, 2)
      .flatMap((scope) => all(scope, 2))
      .map((span) => ({
        name: first(span, 5).toString(),
        traceId: first(span, 1).toString('hex'),
        spanId: first(span, 2).toString('hex'),
        parentId: first(span, 4).toString('hex'),
        kind: number(span, 6),
        attributes: attributesOf(all(span, 9)),
        status: number(first(span, 15), 3),
        resource,
      }));
  });
