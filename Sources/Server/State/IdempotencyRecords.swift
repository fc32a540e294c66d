import EventIO
import HTTP

/// Asks whether a request may be carried out: what the same key was used for before decides.
struct IdempotencyClaim: Equatable, Sendable {
    /// The public id of the gateway key that asks.
    let owner: Int64
    /// SHA-256 of the owner and the key's text, which may say more than its sender knows.
    let id: [UInt8]
    /// SHA-256 of the request.
    let content: [UInt8]
    /// Of this claim: asked for again it is the same one.
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

    /// Nil for what `record` cannot have made.
    init?(_ payload: [UInt8]) {
        var reader = ByteReader(payload)
        guard let owner = reader.number(Int64.self), let id = reader.blob(), id.count == 32,
            let content = reader.blob(), content.count == 32, let nonce = reader.number(Int64.self), reader.isAtEnd
        else { return nil }
        (self.owner, self.id, self.content, self.nonce) = (owner, id, content, nonce)
    }
}

/// What the state process says to a claim.
enum IdempotencyAnswer: Equatable, Sendable {
    /// The request is the claimant's to carry out.
    case granted
    /// This was the response to it.
    case answered(KeptResponse)
    /// The key was used for another request.
    case otherRequest
    case running
    /// Whether it was carried out is unknown.
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

/// What became of a claim.
struct IdempotencyEnd: Equatable, Sendable {
    enum Outcome: Equatable, Sendable {
        /// For certain nothing was done: who asks again may act.
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
            // One that is larger than any of ours is not kept, and nothing is done twice for that.
            writer.put(UInt8(bytes.count > KeptResponse.longest ? 1 : 2))
            writer.put(bytes.count > KeptResponse.longest ? [] : bytes)
        }
        return StateRecord(kind: .idempotencyEnd, payload: writer.bytes)
    }

    /// Nil for what `record` cannot have made.
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

/// A response as it is kept for repetitions.
struct KeptResponse: Equatable, Sendable {
    let response: Response

    /// In bytes: one of the facade's is a sentence and some members.
    static let longest = 16 * 1024

    init(_ response: Response) {
        var kept = response
        // Each response has an id of its own.
        kept.headers.remove("X-Request-Id")
        self.response = kept
    }

    /// As it is given again.
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
