@testable import HTTP
@testable import Hub
@testable import Sandbox
@testable import Server
import Testing

/// Spellings of requests that change something, made at random, judged by what the sandbox would understand, and by what a careless server
/// would: one that decodes twice, takes capitals for small letters, joins slashes, follows dots and cuts ends off.
@Suite struct SpellingPropertyTests {
    /// Each mutating route of the sandbox once.
    private static let mutating: [(Method, String)] = [
        (.post, "/acme/x.git/info/lfs/objects/verify"), (.post, "/api/repos/create"), (.delete, "/api/repos/delete"),
        (.post, "/api/repos/move"), (.put, "/api/models/acme/x/settings"), (.post, "/api/models/acme/x/duplicate"),
        (.get, "/api/models/acme/x/xet-write-token/main"), (.post, "/api/models/acme/x/preupload/main"),
        (.post, "/api/datasets/acme/x/commit/main"), (.post, "/api/models/acme/x/branch/b"),
        (.delete, "/api/models/acme/x/branch/b"), (.post, "/api/models/acme/x/tag/main"),
        (.delete, "/api/models/acme/x/tag/t"), (.post, "/api/models/acme/x/super-squash/main"),
        (.post, "/api/models/acme/x/discussions"), (.post, "/api/models/acme/x/discussions/1/comment"),
        (.post, "/api/models/acme/x/discussions/1/title"), (.post, "/api/models/acme/x/discussions/1/status"),
        (.post, "/api/models/acme/x/discussions/1/merge"), (.post, "/api/models/acme/x/discussions/1/comment/2/edit"),
        (.post, "/api/models/acme/x/discussions/1/comment/2/hide"), (.post, "/api/models/acme/x/like"),
        (.delete, "/api/models/acme/x/like"), (.post, "/api/spaces/acme/x/secrets"),
        (.delete, "/api/spaces/acme/x/secrets"),
        (.post, "/api/spaces/acme/x/variables"), (.delete, "/api/spaces/acme/x/variables"),
        (.post, "/api/spaces/acme/x/hardware"), (.post, "/api/spaces/acme/x/sleeptime"),
        (.post, "/api/spaces/acme/x/pause"),
        (.post, "/api/spaces/acme/x/restart"), (.post, "/acme/x.git/info/lfs/objects/batch"),
    ]

    private static func number(_ method: Method, _ target: Target) -> Int? {
        let segments = target.segments
        return SandboxRoute.all.firstIndex { $0.methods.contains(method) && $0.match(segments) != nil }
    }

    private static func route(_ method: Method, _ target: Target) -> (number: Int, captured: [String: String])? {
        number(method, target).flatMap { index in SandboxRoute.all[index].match(target.segments).map { (index, $0) } }
    }

    /// As a careless server reads a path.
    private static func carelessly(_ target: Target) -> Target? {
        var path = target.path
        for _ in 0..<3 { path = PercentEncoding.decode(path.utf8) }
        var parts: [Substring] = []
        for part in path.replacing("\\", with: "/").lowercased().split(separator: "/") {
            let plain = part.prefix { $0 != ";" && $0 != "\0" }
            if plain == ".." { parts = parts.dropLast() } else if plain != ".", !plain.isEmpty { parts.append(plain) }
        }
        if parts.first == "api", parts.count > 3, parts[3].hasSuffix(".git") { parts[3] = parts[3].dropLast(4) }
        return try? Target("/" + parts.map { PercentEncoding.encode(segment: String($0)) }.joined(separator: "/"))
    }

    private static let pieces = [
        "%2F", "%2f", "/", "//", "\\", "%5C", ".", "/.", "/..", "/../", "%2e", "%2E%2e", ";", ";a=b", "%00", "%20",
        "%25", "%252F", ".git", ".GIT",
        "/x", "/acme", "/team-a-x", "api", "models", "me", "main", "?create_pr=1", "&create_pr=0", "?", "\u{0301}", "é",
        "A", "_", "%61",
    ]

    private static func changed(_ path: String, _ random: inout SplitMix) -> String {
        var bytes = Array(path.utf8)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.insert(contentsOf: pieces[Int.random(in: pieces.indices, using: &random)].utf8, at: index)
            case 1:
                let hex = String(bytes[index], radix: 16, uppercase: Bool.random(using: &random))
                bytes.replaceSubrange(index...index, with: Array("%\(hex)".utf8))
            case 2: bytes[index] = bytes[index] ^ (bytes[index].isASCIIAlphanumeric ? 0x20 : 0)
            case 3: if bytes.count > 2 { bytes.remove(at: index) }
            case 4: bytes += pieces[Int.random(in: pieces.indices, using: &random)].utf8
            default:
                let slashes = bytes.indices.filter { bytes[$0] == UInt8(ascii: "/") }
                if let slash = slashes.randomElement(using: &random) {
                    bytes.replaceSubrange(
                        slash...slash, with: Array(pieces[Int.random(in: pieces.indices, using: &random)].utf8))
                }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "No spelling of a request that changes something gets past a scope that may only read", arguments: [1, 2, 3, 4])
    func readers(seed: UInt64) throws {
        let scope = Scope([try Rule("read,search,infer *"), try Rule("read public")])
        let numbers = Set(try Self.mutating.compactMap { Self.number($0.0, try Target($0.1)) })
        #expect(numbers.count == Self.mutating.count)
        var random = SplitMix(seed: seed)
        var understood = 0
        for (method, path) in Self.mutating {
            #expect(scope.decide(HubOperation.find(method, try Target(path))).permit == nil, "\(path)")
            for _ in 0..<250 {
                guard let target = try? Target(Self.changed(path, &random)) else { continue }
                let readings = [target, Self.carelessly(target)].compactMap { $0 }.compactMap {
                    Self.number(method, $0)
                }
                guard readings.contains(where: numbers.contains) else { continue }
                understood += 1
                let operation = HubOperation.find(method, target)
                #expect(scope.decide(operation).permit == nil, "\(method) \(target.pathAndQuery)")
            }
        }
        #expect(understood > 300)
    }

    @Test("What a scope for some names lets change is one of these names for each reader", arguments: [5, 6, 7, 8])
    func otherNames(seed: UInt64) throws {
        let scope = Scope([try Rule("admin acme/team-a-*"), try Rule("search,account,infer *")])
        var random = SplitMix(seed: seed)
        var allowed = 0
        for (method, path) in Self.mutating {
            let path = path.replacing("acme/x", with: Bool.random(using: &random) ? "acme/team-a-x" : "acme/team-b")
            for _ in 0..<250 {
                guard let target = try? Target(Self.changed(path, &random)),
                    scope.decide(HubOperation.find(method, target)).permit != nil
                else { continue }
                allowed += 1
                for reading in [target, Self.carelessly(target)].compactMap({ $0 }) {
                    guard let (_, captured) = Self.route(method, reading), let name = captured["name"] else { continue }
                    let isTokens = HubOperation.find(method, target).notes.contains(.tokenOwner)
                    let whole = captured["owner"].map { "\($0)/\(name)" } ?? name
                    #expect(
                        whole.lowercased().hasPrefix("acme/team-a-") || isTokens, "\(method) \(target.pathAndQuery)")
                }
            }
        }
        #expect(allowed > 100)
    }
}
