import HTTP
import Hub

extension XetChoice {
    /// How it shows in what is asked there.
    func view(of target: Target) -> Xet {
        switch self {
        case .auto, .carry: .carry
        case .uploads: Self.keepsXet(target) ? .carry : .hide
        case .hide: .hide
        case .pass: .pass
        }
    }

    /// What a client is told that asks to be let into Xet where it is not shown.
    var refusal: Failure { self == .uploads ? .xetDownloadsHidden : .xetHidden }

    /// Whether an upload needs it there. Files of buckets have no other way, up or down; what was signed before leads to Xet's server.
    private static func keepsXet(_ target: Target) -> Bool {
        if target.pathBegins(with: "/api/") {
            return target.pathBegins(with: "/api/buckets/")
                || target.pathContains(writeToken)
                    && [3, 4].contains { target.segment(at: $0) == writeToken.dropFirst() }
        }
        return target.pathBegins(with: "/buckets/") || target.pathBegins(with: Target.signedPrefix)
    }

    /// Behind kind, namespace and name, or kind and name.
    private static let writeToken = "/xet-write-token"
}

extension Settings {
    /// What `xet` comes to.
    var xetInUse: XetChoice {
        guard xet == .auto else { return xet }
        return cacheDirectory.isEmpty ? .carry : .uploads
    }
}
