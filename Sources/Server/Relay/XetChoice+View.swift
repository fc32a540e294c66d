import HTTP
import Hub

extension XetChoice {
    /// How Xet shows in responses to requests for this target.
    func view(of target: Target) -> Xet {
        switch self {
        case .auto, .carry: .carry
        case .uploads: Self.keepsXet(target) ? .carry : .hide
        case .hide: .hide
        case .pass: .pass
        }
    }

    /// The failure for a client that asks for Xet where it is not shown.
    var refusal: Failure { self == .uploads ? .xetDownloadsHidden : .xetHidden }

    /// Whether a request needs Xet for an upload. Files of buckets have no other way, up or down; URLs that were signed before lead to Xet's server.
    private static func keepsXet(_ target: Target) -> Bool {
        if target.pathBegins(with: "/api/") {
            return target.pathBegins(with: "/api/buckets/")
                || target.pathContains(writeToken)
                    && [3, 4].contains { target.segment(at: $0) == writeToken.dropFirst() }
        }
        return target.pathBegins(with: "/buckets/") || target.pathBegins(with: Target.signedPrefix)
    }

    /// After kind, namespace and name, or kind and name.
    private static let writeToken = "/xet-write-token"
}

extension Settings {
    /// The setting `xet` as it takes effect.
    var xetInUse: XetChoice {
        guard xet == .auto else { return xet }
        return cacheDirectory.isEmpty ? .carry : .uploads
    }
}
