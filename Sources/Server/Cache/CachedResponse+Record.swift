import EventIO
import HTTP
import Hub

/// A kept response as bytes, for the memory that workers share.
extension CachedResponse {
    var record: [UInt8] {
        var writer = ByteWriter()
        writer.put(asked.nanoseconds)
        for word in mark.words { writer.put(word) }
        writer.put(UInt8(lifetime == .immutable ? 1 : 0))
        writer.put(freshness.lifetime) { $0.put(Int64($1)) }
        writer.put(Int64(freshness.age))
        writer.put(UInt8(freshness.asksAlways ? 1 : 0))
        writer.put(UInt8(freshness.isNeverStale ? 1 : 0))
        writer.put(validators.etag) { $0.put($1) }
        writer.put(validators.lastModified) { $0.put($1) }
        writer.put(UInt32(nominated.fields.count))
        for field in nominated.fields {
            writer.put(field.name)
            writer.put(field.values)
        }
        writer.put(UInt32(response.status.code))
        writer.put(response.length) { $0.put(Int64($1)) }
        writer.put(response.headers)
        writer.put(response.content)
        return writer.bytes
    }

    /// Nil for bytes that are no record.
    convenience init?(from reader: inout ByteReader) {
        guard let asked = reader.number(UInt64.self), let place = reader.number(UInt64.self),
            let ofPlace = reader.number(UInt64.self), let ofUnknown = reader.number(UInt64.self),
            let mark = WriteEpochs.Mark(words: [place, ofPlace, ofUnknown]),
            let isImmutable = reader.number(UInt8.self), let freshness = reader.freshness(),
            let etag = reader.optional({ $0.text() }), let lastModified = reader.optional({ $0.text() }),
            let nominated = reader.nominatedFields(), let response = reader.response(), reader.isAtEnd
        else { return nil }
        self.init(
            response, lifetime: isImmutable == 1 ? .immutable : .moving,
            validators: Validators(etag: etag, lastModified: lastModified), mark: mark, nominated: nominated,
            freshness: freshness, asked: MonotonicInstant(nanoseconds: asked))
    }
}

extension ByteWriter {
    /// The name and value of each field. Fields that were removed are still in `bytes` and are not written.
    fileprivate mutating func put(_ headers: Headers) {
        put(UInt32(headers.count))
        for field in headers.fields {
            put(Array(headers.bytes[field.name]))
            put(Array(headers.bytes[field.value]))
        }
    }
}

extension ByteReader {
    fileprivate mutating func freshness() -> Freshness? {
        guard let lifetime = optional({ $0.number(Int64.self) }), let age = number(Int64.self),
            let asksAlways = number(UInt8.self), let isNeverStale = number(UInt8.self)
        else { return nil }
        return Freshness(
            lifetime: lifetime.map { Int($0) }, age: Int(age), asksAlways: asksAlways == 1,
            isNeverStale: isNeverStale == 1)
    }

    fileprivate mutating func nominatedFields() -> NominatedFields? {
        guard let count = number(UInt32.self) else { return nil }
        var fields: [NominatedFields.Field] = []
        for _ in 0..<count {
            guard let name = text(), let values = texts() else { return nil }
            fields.append(NominatedFields.Field(name: name, values: values))
        }
        return NominatedFields(fields)
    }

    fileprivate mutating func response() -> RecordedResponse? {
        guard let status = number(UInt32.self), let length = optional({ $0.number(Int64.self) }),
            let headers = headers(), let content = blob()
        else { return nil }
        return RecordedResponse(
            status: Status(Int(status)), headers: headers, length: length.map { Int($0) }, content: content)
    }

    private mutating func headers() -> Headers? {
        guard let count = number(UInt32.self) else { return nil }
        var bytes: [UInt8] = []
        var fields: [Headers.Field] = []
        for _ in 0..<count {
            guard let name = blob(), let value = blob() else { return nil }
            fields.append(
                Headers.Field(
                    nameStart: UInt32(bytes.count), nameLength: UInt32(name.count),
                    valueStart: UInt32(bytes.count + name.count), valueLength: UInt32(value.count)))
            bytes += name
            bytes += value
        }
        return Headers(bytes: bytes, fields: fields)
    }
}
