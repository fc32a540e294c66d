import HTTP

/// What a `Cache-Control` field says, as far as a shared cache has to know (RFC 9111 section 5.2). In a request, `Pragma: no-cache` counts
/// where there is no `Cache-Control`.
struct CacheDirectives {
    private(set) var noCache = false
    private(set) var noStore = false
    private(set) var isPrivate = false
    private(set) var onlyIfCached = false
    /// In seconds.
    private(set) var maxAge: Int?

    init(request headers: Headers) {
        if headers.contains("Cache-Control") {
            read(headers)
        } else if headers.contains("Pragma") {
            noCache = headers.mentions("no-cache", in: "Pragma")
        }
    }

    init(response headers: Headers) {
        if headers.contains("Cache-Control") { read(headers) }
    }

    /// A longer one is somebody's attempt to keep this busy.
    private static let longest = 1024

    private mutating func read(_ headers: Headers) {
        let values = headers.values(of: "Cache-Control")
        guard values.reduce(0, { $0 + $1.utf8.count }) <= Self.longest else {
            (noCache, noStore) = (true, true)
            return
        }
        for value in values {
            for part in value.split(separator: ",") {
                let pair = part.split(separator: "=", maxSplits: 1)
                guard let name = pair.first?.trimmed.lowercased() else { continue }
                switch name {
                case "no-cache": noCache = true
                case "no-store": noStore = true
                case "private": isPrivate = true
                case "only-if-cached": onlyIfCached = true
                case "max-age", "s-maxage":
                    let seconds = Int((pair.count > 1 ? pair[1] : "").trimmed.filter { $0 != "\"" }) ?? 0
                    maxAge = min(maxAge ?? .max, max(0, seconds))
                default: break
                }
            }
        }
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = firstIndex { $0 != " " && $0 != "\t" } ?? endIndex
        let end = lastIndex { $0 != " " && $0 != "\t" }.map(index(after:)) ?? start
        return self[start..<end]
    }
}
