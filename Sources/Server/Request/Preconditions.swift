import HTTP
import Hub

/// Evaluates the conditions of a request for a file by the ETag that this gateway shows for it (RFC 9110 section 13). The store that has the
/// file knows another one, so it cannot.
enum Preconditions {
    enum Outcome: Equatable {
        /// The conditions hold, or are about dates, which are the store's.
        case goOn
        /// 304 or 412, without content.
        case answer(Status)
    }

    /// In the order of section 13.2.2. Without an ETag, or the date of a response that is kept here, nothing can be evaluated.
    static func outcome(of request: Request, etag: String?, lastModified: String? = nil) -> Outcome {
        let headers = request.headers
        if let lastModified, isUnmodified(headers, since: lastModified) { return .answer(.notModified) }
        guard let etag else { return .goOn }
        if headers.contains("If-Match"), !isListed(etag, in: headers.values(of: "If-Match"), weakly: false) {
            return .answer(.preconditionFailed)
        }
        if headers.contains("If-None-Match"), isListed(etag, in: headers.values(of: "If-None-Match"), weakly: true) {
            return .answer(request.method == .get || request.method == .head ? .notModified : .preconditionFailed)
        }
        return .goOn
    }

    /// RFC 9110 section 13.1.3: where an entity tag is given, no date counts.
    private static func isUnmodified(_ headers: Headers, since lastModified: String) -> Bool {
        guard let date = headers["If-Modified-Since"], !headers.contains("If-None-Match") else { return false }
        guard let known = HTTPDate.seconds(date), let modified = HTTPDate.seconds(lastModified) else { return false }
        return modified <= known
    }

    /// Whether one of the tags is `etag`, by strong or weak comparison (section 8.8.3.2); `*` is any.
    private static func isListed(_ etag: String, in values: [String], weakly: Bool) -> Bool {
        if values.contains(where: { $0 == "*" }) { return true }
        let (isWeak, opaque) = parts(etag)
        guard weakly || !isWeak else { return false }
        return values.flatMap(tags).contains { tag in
            let (isOtherWeak, other) = parts(tag)
            return other == opaque && (weakly || !isOtherWeak)
        }
    }

    private static func parts(_ tag: Substring) -> (isWeak: Bool, opaque: Substring) {
        tag.hasPrefix("W/") ? (true, tag.dropFirst(2)) : (false, tag)
    }

    private static func parts(_ tag: String) -> (isWeak: Bool, opaque: Substring) { parts(tag[...]) }

    /// The tags of a list: a comma in quotes is a part of its tag.
    private static func tags(_ list: String) -> [Substring] {
        var tags: [Substring] = []
        var rest = list.utf8[...]
        while let quote = rest.firstIndex(of: UInt8(ascii: "\"")),
            let end = rest[rest.index(after: quote)...].firstIndex(of: UInt8(ascii: "\""))
        {
            let isWeak = rest[..<quote].suffix(2).elementsEqual("W/".utf8)
            let start = isWeak ? rest.index(quote, offsetBy: -2) : quote
            tags.append(Substring(rest[start...end]))
            rest = rest[rest.index(after: end)...]
        }
        return tags
    }
}
