import EventIO
import Hub
import Sandbox

extension ValueCodec where Value == SandboxLimits? {
    /// `api=500/300s,resolvers=3000/300s`
    static var sandboxLimitsOrNothing: ValueCodec {
        ValueCodec<SandboxLimits>(
            name: "LIMITS",
            accepted:
                "parts KIND=COUNT/TIME with commas between them: api, resolvers or pages, a whole number, and a time from 100ms to 1h",
            isList: true,
            read: { (text) throws(ValueError) in try SandboxLimits(text) },
            text: \.text
        ).orNothing()
    }
}

extension SandboxLimits {
    fileprivate init(_ text: String) throws(ValueError) {
        var windows: [HubBucket: Window] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: "=", omittingEmptySubsequences: false)
            guard words.count == 2, let bucket = HubBucket.allCases.first(where: { $0.name == words[0] }) else {
                throw .unknown
            }
            guard windows[bucket] == nil else { throw ValueError("has \(bucket.name) twice") }
            windows[bucket] = try Self.window(words[1])
        }
        self.init(windows)
    }

    private static func window(_ text: Substring) throws(ValueError) -> Window {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), (1...1_000_000).contains(count) else {
            throw ValueError("has a limit that is no COUNT/TIME")
        }
        let time = try ValueCodec<Duration>.duration(.milliseconds(100)...Duration.seconds(3600)).read(String(parts[1]))
        return Window(count: count, milliseconds: Int64(time.milliseconds))
    }

    fileprivate var text: String {
        HubBucket.allCases.compactMap { bucket in
            windows[bucket].map {
                let isWhole = $0.milliseconds.isMultiple(of: 1000)
                return "\(bucket.name)=\($0.count)/" + (isWhole ? "\($0.milliseconds / 1000)s" : "\($0.milliseconds)ms")
            }
        }.joined(separator: ",")
    }
}
