import Hub

/// The last requests that the sandbox got, so that a test can say "each write reached the Hub once".
struct SandboxJournal {
    struct Entry: Sendable, Equatable {
        let place: SandboxPlace
        let method: Method
        /// Without the values of parameters that look secret, and cut after `longestTarget` characters.
        let target: String
        /// `none`, `unknown`, `xet`, or the name of the Hub's token; never a value.
        let credential: String
        let bodyLength: Int
        /// What it was answered.
        let status: Status

        static let longestTarget = 500

        init(_ request: Request, _ credential: SandboxCredential, _ status: Status, at place: SandboxPlace = .hub) {
            self.place = place
            method = request.method
            target = String(request.target.loggable.prefix(Self.longestTarget))
            self.credential = credential.name
            bodyLength = request.body.count
            self.status = status
        }

        /// Whether any Authorization came with it: on the CDN none may, and on the CAS only `xet`.
        var hasAuthorization: Bool { credential != SandboxCredential.none.name }

        var json: JSON {
            [
                "origin": .string(place.rawValue), "method": .string(method.rawValue), "target": .string(target),
                "credential": .string(credential), "authorization": .bool(hasAuthorization),
                "bodyLength": .integer(Int64(bodyLength)), "status": .integer(Int64(status.code)),
            ]
        }
    }

    static let capacity = 10_000

    /// How many there were ever.
    private(set) var count = 0
    private var slots: [Entry] = []
    /// The oldest entry, once all slots are taken.
    private var oldest = 0

    /// Oldest first.
    var entries: [Entry] { Array(slots[oldest...] + slots[..<oldest]) }

    mutating func append(_ entry: Entry) {
        count += 1
        guard slots.count == Self.capacity else { return slots.append(entry) }
        slots[oldest] = entry
        oldest = (oldest + 1) % Self.capacity
    }
}
