import Hub

/// The last requests that the sandbox got, so that a test can say "each write reached the Hub once".
struct SandboxJournal {
    struct Entry: Sendable, Equatable {
        let method: Method
        /// Without the values of parameters that look secret, and cut after `longestTarget` characters.
        let target: String
        /// `none`, `unknown`, or the name of the token; never its value.
        let credential: String
        let bodyLength: Int
        /// What it was answered.
        let status: Status

        static let longestTarget = 500

        init(_ request: Request, _ credential: SandboxCredential, _ status: Status) {
            method = request.method
            target = String(request.target.loggable.prefix(Self.longestTarget))
            self.credential = credential.name
            bodyLength = request.body.count
            self.status = status
        }
    }

    static let capacity = 10_000

    private var slots: [Entry] = []
    /// The oldest entry, once all slots are taken.
    private var oldest = 0

    /// Oldest first.
    var entries: [Entry] { Array(slots[oldest...] + slots[..<oldest]) }

    mutating func append(_ entry: Entry) {
        guard slots.count == Self.capacity else { return slots.append(entry) }
        slots[oldest] = entry
        oldest = (oldest + 1) % Self.capacity
    }
}
