/// The usage of keys since the last record of this kind, added up.
struct UsageReport: Equatable, Sendable {
    /// The subject of one line.
    struct Subject: Hashable, Sendable {
        /// Days since 1970, in UTC.
        let day: Int64
        let publicID: Int64
        let action: String
        /// A repository or a model; empty: none.
        let resource: String
    }

    struct Counts: Equatable, Sendable {
        var requests: Int64 = 0
        var errors: Int64 = 0
        var upstreamCalls: Int64 = 0
        /// Bytes of content.
        var bytesIn: Int64 = 0
        var bytesOut: Int64 = 0
        var tokensIn: Int64 = 0
        var tokensOut: Int64 = 0

        /// Indices of the counts in the order of their columns: key paths would cost hundreds of instructions for each use.
        static let places = 0..<7

        subscript(place: Int) -> Int64 {
            get {
                switch place {
                case 0: requests
                case 1: errors
                case 2: upstreamCalls
                case 3: bytesIn
                case 4: bytesOut
                case 5: tokensIn
                default: tokensOut
                }
            }
            set {
                switch place {
                case 0: requests = newValue
                case 1: errors = newValue
                case 2: upstreamCalls = newValue
                case 3: bytesIn = newValue
                case 4: bytesOut = newValue
                case 5: tokensIn = newValue
                default: tokensOut = newValue
                }
            }
        }

        mutating func add(_ others: Counts) {
            requests &+= others.requests
            errors &+= others.errors
            upstreamCalls &+= others.upstreamCalls
            bytesIn &+= others.bytesIn
            bytesOut &+= others.bytesOut
            tokensIn &+= others.tokensIn
            tokensOut &+= others.tokensOut
        }
    }

    struct Line: Equatable, Sendable {
        let subject: Subject
        var counts: Counts

        /// In bytes, with room.
        fileprivate var size: Int { subject.action.utf8.count + subject.resource.utf8.count + 96 }
    }

    let lines: [Line]

    /// The longest action or resource, in bytes.
    static let longestText = 200
    /// The most that a worker that was taken over may report: sums of it cannot overflow.
    private static let largest: Int64 = 1 << 50

    init(_ lines: [Line]) {
        self.lines = lines
    }

    /// Takes as many of `lines` as fit one record.
    init(first lines: inout ArraySlice<Line>) {
        self.lines = StateRecord.takeFitting(&lines, size: \.size)
    }

    var record: StateRecord {
        var writer = ByteWriter()
        for line in lines {
            writer.put(line.subject.day)
            writer.put(line.subject.publicID)
            writer.put(line.subject.action)
            writer.put(line.subject.resource)
            for place in Counts.places { writer.put(line.counts[place]) }
        }
        return StateRecord(kind: .usage, payload: writer.bytes)
    }

    /// Nil for bytes that `record` cannot have made.
    init?(_ payload: [UInt8]) {
        var reader = ByteReader(payload)
        var lines: [Line] = []
        while !reader.isAtEnd {
            guard let day = reader.number(Int64.self), let publicID = reader.number(Int64.self),
                let action = reader.text(), let resource = reader.text(),
                action.utf8.count <= Self.longestText, resource.utf8.count <= Self.longestText
            else { return nil }
            var counts = Counts()
            for place in Counts.places {
                guard let count = reader.number(Int64.self), (0...Self.largest).contains(count) else { return nil }
                counts[place] = count
            }
            lines.append(
                Line(
                    subject: Subject(day: day, publicID: publicID, action: action, resource: resource), counts: counts))
        }
        self.lines = lines
    }
}
