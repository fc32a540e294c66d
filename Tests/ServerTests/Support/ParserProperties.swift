#if FUZZING
import EventIO
import HTTP
import Hub
#else
@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
#endif

/// What holds of each parser for any input. The unit tests ask it of Tests/corpus/parsers.tsv, the fuzzers of what they make.
/// Each function says what does not hold; nil if all does.
enum ParserProperties {
    static let all: [(name: String, check: @Sendable ([UInt8]) -> String?)] = [
        ("rewriter", rewriter), ("scanner", scanner), ("order", order), ("link", link), ("hosts", hosts),
        ("lists", lists), ("target", target),
    ]

    private static let hub = "https://huggingface.co"
    private static let gateway = "https://gate:8080"
    private static let ruleSets: [[JSONFieldRule]] = [
        [.anyURL(.follow)], [JSONFieldRule("*url", change: .follow), JSONFieldRule("up", "#", change: .follow)],
        [JSONFieldRule("*url", change: .follow), .anyURL(.follow)],
        [JSONFieldRule("xetHash", change: .drop), .anyURL(.follow)],
    ]

    /// As `Rewrite.moved` does, without its settings.
    private static func moved(_ url: String) -> String? {
        url.utf8.starts(with: hub.utf8)
            ? gateway + String(decoding: url.utf8.dropFirst(hub.utf8.count), as: UTF8.self) : nil
    }

    /// In pieces of the given size; nil where it throws.
    private static func rewritten(_ bytes: [UInt8], _ rules: [JSONFieldRule], size: Int) -> [UInt8]? {
        var rewriter = JSONRewriter(rules) { (url, _) throws(Failure) in moved(url) }
        var out: [UInt8] = []
        do throws(Failure) {
            for start in stride(from: 0, to: bytes.count, by: size) {
                let piece = Array(bytes[start..<min(start + size, bytes.count)])
                out += try rewriter.rewrite(piece.span) ?? piece
            }
            return out + (try rewriter.finish())
        } catch {
            return nil
        }
    }

    /// Where it is cut does not matter; JSON stays JSON of the same shape; and what has been rewritten is not rewritten again.
    @Sendable private static func rewriter(_ bytes: [UInt8]) -> String? {
        let limits = JSONLimits(bytes: .max, depth: 400, values: .max)
        for (number, rules) in ruleSets.enumerated() {
            let whole = rewritten(bytes, rules, size: max(1, bytes.count))
            for size in [1, 2, 3, 7, 61] where rewritten(bytes, rules, size: size) != whole {
                return "rules \(number): in pieces of \(size) it becomes something else"
            }
            guard let whole, let before = try? JSON.parse(bytes, within: limits) else { continue }
            guard let after = try? JSON.parse(whole, within: limits) else {
                return "rules \(number): it is no JSON any more"
            }
            if number != 3, shape(before) != shape(after) { return "rules \(number): it has another shape" }
            if rewritten(whole, rules, size: max(1, whole.count)) != whole {
                return "rules \(number): it changes again"
            }
        }
        return nil
    }

    private static func shape(_ json: JSON) -> JSON {
        switch json {
        case .array(let elements): .array(elements.map(shape))
        case .object(let members): .object(members.mapValues(shape))
        case .string: ""
        default: json
        }
    }

    /// Where it is cut does not matter, and no URL of the Hub is left that the rewriter should have turned.
    @Sendable private static func scanner(_ bytes: [UInt8]) -> String? {
        func seen(_ bytes: [UInt8], size: Int) -> [String] {
            final class Seen { var urls: [String] = [] }
            let seen = Seen()
            var scanner = URLScanner { (url) throws(Failure) in seen.urls.append(url) }
            for start in stride(from: 0, to: bytes.count, by: size) {
                try? scanner.scan(Array(bytes[start..<min(start + size, bytes.count)]).span)
            }
            return seen.urls
        }
        let whole = seen(bytes, size: max(1, bytes.count))
        for size in [1, 2, 3, 7, 61] where seen(bytes, size: size) != whole {
            return "in pieces of \(size) it sees others"
        }
        let limits = JSONLimits(bytes: .max, depth: 400, values: .max)
        guard let json = try? JSON.parse(bytes, within: limits), names(json).allSatisfy({ !$0.hasPrefix("h") }),
            let clean = rewritten(bytes, ruleSets[0], size: max(1, bytes.count))
        else { return nil }
        return seen(clean, size: max(1, clean.count)).contains { $0.hasPrefix(hub) } ? "a URL was missed" : nil
    }

    private static func names(_ json: JSON) -> [String] {
        switch json {
        case .array(let elements): elements.flatMap(names)
        case .object(let members): members.flatMap { [$0.key] + names($0.value) }
        default: []
        }
    }

    /// What is read can be written and read again; strings too; and an order is read or refused.
    @Sendable private static func order(_ bytes: [UInt8]) -> String? {
        if let json = try? JSON.parse(bytes, within: JSONLimits(bytes: .max, depth: 64, values: .max)) {
            guard let text = try? json.encoded(),
                let again = try? JSON.parse(text, within: JSONLimits(bytes: .max, depth: 64, values: .max))
            else { return "what was written cannot be read" }
            if again != json { return "it is read as something else" }
        }
        if let json = try? JSON.parse(bytes, within: .order) {
            _ = try? RepoCreation(facade: json)
            _ = try? RepoUpdate(facade: json)
            _ = try? RepoDeletion(facade: json)
        }
        _ = HubRefusal(status: .conflict, headers: [:], body: bytes)
        _ = try? WhoAmI().read(bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        var quoted: [UInt8] = []
        JSON.append(quoted: text, to: &quoted)
        return JSON.unescaped(quoted.dropFirst().dropLast())?.utf8.elementsEqual(text.utf8) == true
            ? nil : "a string is not what it was"
    }

    /// The links make the value again.
    @Sendable private static func link(_ bytes: [UInt8]) -> String? {
        let value = String(decoding: bytes, as: UTF8.self)
        let links = Link.list(value)
        for link in links { _ = link.relations }
        let again = links.map { $0.text(target: $0.target) }.joined(separator: ",")
        return again.utf8.elementsEqual(value.utf8) ? nil : "the links make another value"
    }

    /// The host that is trusted is the host that a lenient reader would call.
    @Sendable private static func hosts(_ bytes: [UInt8]) -> String? {
        let url = String(decoding: bytes, as: UTF8.self)
        let hosts = ContentHosts(domains: ["hf.co"], origins: ["https://127.0.0.1:9"], base: hub)
        guard hosts.place(of: url) == .content || ContentHosts.origin(of: url) == hub else {
            if hosts.place(of: url) == .hub, let lenient = URLAuthority(url) {
                return "a path leads to \(lenient.host)"
            }
            return nil
        }
        return URLAuthority(url)?.host == ContentHosts.host(of: url) ? nil : "another reader finds another host"
    }

    /// A list has what a plain reader finds in it.
    @Sendable private static func lists(_ bytes: [UInt8]) -> String? {
        let value = String(decoding: bytes.map { $0 < 0x80 ? $0 : 0x61 }, as: UTF8.self)
        var headers: Headers = ["Connection": value, "te": "1", "x-a": "2", "a": "3"]
        let original = headers
        headers.removeAll(listedIn: "Connection", of: original)
        for name in ["te", "x-a", "a"] {
            let plain =
                original["Connection"]?.split { $0 == "," }.contains { trimmed($0).lowercased() == name } ?? false
            if headers.contains(name) == plain {
                return "\(name) is \(plain ? "listed and left" : "removed and not listed")"
            }
        }
        return nil
    }

    private static func trimmed(_ member: Substring) -> String {
        var bytes = Array(member.utf8)[...]
        while let first = bytes.first, first == 0x20 || first == 9 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 9 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A token in the query is not in the log, however it is named and wherever it begins.
    @Sendable private static func target(_ bytes: [UInt8]) -> String? {
        let plain = bytes.filter { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }
        let text = String(decoding: plain, as: UTF8.self)
        let secret = "q7Zq7Z"
        guard !text.contains(secret), let target = try? Target(hub: "/" + text + "&token=\(secret);x=hf_\(secret)")
        else {
            return nil
        }
        _ = (target.segments, target.hasDotSegments, target.loggable)
        let segments = target.segments.flatMap { $0.split { $0 == "/" || $0 == "\\" } }
        if target.hasDotSegments != segments.contains(where: { $0 == "." || $0 == ".." }) { return "dot segments" }
        return target.query != nil && target.loggable.contains(secret)
            ? "a token is in the log: \(target.loggable)" : nil
    }
}
