@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server

extension ContentHosts {
    /// The Hub and its stores, as the settings name them.
    static let example = ContentHosts(
        domains: Settings().contentHosts.names, origins: [], base: "https://huggingface.co")
}

extension SignedURLPolicy {
    static let example = SignedURLPolicy(codec: .example, hosts: .example, longestTarget: 8192)
}

extension SignedURLCodec {
    static let example = SignedURLCodec(key: .example)
}

extension SignedURLKey {
    static let example = SignedURLKey(token: .example)
}

extension Secret {
    static let example: Secret = {
        guard let token = try? Secret(Array("hf_fakeTokenOfTheGateway".utf8)) else {
            preconditionFailure("a word that is printable is no secret")
        }
        return token
    }()
}

extension Rewrite {
    static let example = example(.carry)

    static func example(_ xet: Xet) -> Rewrite {
        Rewrite(
            hub: "https://huggingface.co", gateway: "https://gate:8080", signedURLs: .example, xet: xet, now: 1_000_000)
    }

    static func example(_ hub: String, _ gateway: String) -> Rewrite {
        Rewrite(hub: hub, gateway: gateway, signedURLs: .example, xet: .carry, now: 1_000_000)
    }

    /// What a URL of this gateway stands for, and for what.
    func opened(_ url: String?, _ method: Method) throws -> String {
        guard let url, url.hasPrefix(gateway) else { return "not here: \(url ?? "nothing")" }
        let opened = try signedURLs.open(try Target(hub: String(url.dropFirst(gateway.count))), method, now: now)
        return "\(opened.use) \(opened.whole)"
    }
}

extension JSON {
    var elements: [JSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }
}
