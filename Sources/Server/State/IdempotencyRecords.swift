import EventIO
import HTTP

/// Asks whether a request may be carried out: that depends on the earlier uses of its key.
struct IdempotencyClaim: Equatable, Sendable {
    /// The public id of the gateway key.
    let owner: Int64
    /// SHA-256 of the owner and the key's text, which may be more telling than its sender thinks.
    let id: [UInt8]
    /// SHA-256 of the request.
    let content: [UInt8]
    /// The same when the claim is made again.
    let nonce: Int64

    init(owner: Int64, key: String, content: [UInt8]) {
        var writer = ByteWriter()
        writer.put(owner)
        writer.put(key)
        self.owner = owner
        id = MessageDigest.sha256(writer.bytes)
        self.content = MessageDigest.sha256(content)
        nonce = .random(in: .min ... .max)
    }

    var record: StateRecord {
        var writer = ByteWriter()
        writer.put(owner)
        writer.put(id)
        writer.put(content)
        writer.put(nonce)
        return StateRecord(kind: .idempotencyClaim, payload: writer.bytes)
    }

    /// Nil for bytes that `record` cannot have made.
    init?(_ payload: [UInt8]) {
        var reader = ByteReader(payload)
        guard let owner = reader.number(Int64.self), let id = reader.blob(), id.count == 32,
            let content = reader.blob(), content.count == 32, let nonce = reader.number(Int64.self), reader.isAtEnd
        else { return nil }
        (self.owner, self.id, self.content, self.nonce) = (owner, id, content, nonce)
    }
}

/// The state process's answer to a claim.
enum IdempotencyAnswer: Equatable, Sendable {
    /// The claimant carries out the request.
    case granted
    /// The request was carried out, with this response.
    case answered(KeptResponse)
    /// The key was used for another request.
    case otherRequest
    case running
    /// It is unknown whether the request was carried out.
    case unknown
    /// Too many keys are remembered.
    case full

    private enum Tag: UInt8 { case granted, answered, otherRequest, running, unknown, full }

    var bytes: [UInt8] {
        var writer = ByteWriter()
        func put(_ tag: Tag) { writer.put(tag.rawValue) }
        switch self {
        case .granted: put(.granted)
        case .answered(let response):
            put(.answered)
            writer.put(response.bytes)
        case .otherRequest: put(.otherRequest)
        case .running: put(.running)
        case .unknown: put(.unknown)
        case .full: put(.full)
        }
        return writer.bytes
    }

    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let tag = reader.number(UInt8.self).flatMap(Tag.init(rawValue:)) else { return nil }
        switch tag {
        case .granted: self = .granted
        case .answered:
            guard let response = reader.blob().flatMap(KeptResponse.init) else { return nil }
            self = .answered(response)
        case .otherRequest: self = .otherRequest
        case .running: self = .running
        case .unknown: self = .unknown
        case .full: self = .full
        }
    }
}

/// How a claim ended.
struct IdempotencyEnd: Equatable, Sendable {
    enum Outcome: Equatable, Sendable {
        /// Certainly nothing was done: a repetition may be carried out.
        case released
        case unknown
        case answered(KeptResponse)
    }

    let id: [UInt8]
    let nonce: Int64
    let outcome: Outcome

    init(_ claim: IdempotencyClaim, _ outcome: Outcome) {
        (id, nonce, self.outcome) = (claim.id, claim.nonce, outcome)
    }

    var record: StateRecord {
        var writer = ByteWriter()
        writer.put(id)
        writer.put(nonce)
        switch outcome {
        case .released: writer.put(UInt8(0))
        case .unknown: writer.put(UInt8(1))
        case .answered(let response):
            let bytes = response.bytes
            // A response larger than any of ours is not kept; the request is not repeated because of that.
            writer.put(UInt8(bytes.count > KeptResponse.longest ? 1 : 2))
            writer.put(bytes.count > KeptResponse.longest ? [] : bytes)
        }
        return StateRecord(kind: .idempotencyEnd, payload: writer.bytes)
    }

    /// Nil for bytes that `record` cannot have made.
    init?(_ payload: [UInt8]) {
        var reader = ByteReader(payload)
        guard let id = reader.blob(), id.count == 32, let nonce = reader.number(Int64.self),
            let tag = reader.number(UInt8.self)
        else { return nil }
        (self.id, self.nonce) = (id, nonce)
        switch tag {
        case 0: outcome = .released
        case 1: outcome = .unknown
        case 2:
            guard let bytes = reader.blob(), bytes.count <= KeptResponse.longest, let response = KeptResponse(bytes)
            else { return nil }
            outcome = .answered(response)
        default: return nil
        }
    }
}

/// A response that is kept for repetitions.
struct KeptResponse: Equatable, Sendable {
    let response: Response

    /// In bytes: a response of the facade is a sentence and some members.
    static let longest = 16 * 1024

    init(_ response: Response) {
        var kept = response
        // Each response has an id of its own.
        kept.headers.remove("X-Request-Id")
        self.response = kept
    }

    /// The response to a repetition.
    var replayed: Response {
        var again = response
        again.headers.append("Idempotent-Replayed", "true")
        return again
    }

    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.put(Int64(response.status.code))
        writer.put(response.headers.flatMap { [$0.name, $0.value] })
        writer.put(response.body)
        return writer.bytes
    }

    init?(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard let code = reader.number(Int64.self), (200..<600).contains(code), let texts = reader.texts(),
            texts.count.isMultiple(of: 2), let body = reader.blob()
        else { return nil }
        var headers = Headers()
        for index in stride(from: 0, to: texts.count, by: 2) { headers.append(texts[index], texts[index + 1]) }
        response = Response(Status(Int(code)), headers: headers, body: body)
    }
}
