import FoundationEssentials
import HTTP
package import Hub

/// One repository, with the properties that the sandbox knows.
package struct SandboxRepo: Sendable, Equatable {
    package enum Visibility: String, CaseIterable, Sendable {
        /// A protected space runs for every visitor and shows its files to its owner.
        case `public`, `private`, protected
    }

    /// How people get access to a repository that asks for their consent.
    package enum Gate: String, Sendable {
        case none, auto, manual

        package var json: JSON { self == .none ? false : .string(rawValue) }
    }

    package let kind: RepoKind
    /// Always with a namespace; changes when the repository moves.
    package var id: RepoID
    package var visibility: Visibility
    /// Of a space; nil for the rest.
    package var sdk: SpaceSDK?
    package var gate = Gate.none
    package var discussionsDisabled = false
    /// Seconds since 1970.
    package let createdAt: Int64
    /// The Hub's `_id`: stays when the name changes.
    package let serial: String
    package var history = SandboxHistory()
    package var discussions: [SandboxDiscussion] = []
    package var settings = SandboxSpaceSettings()
    /// The names of the accounts that like it.
    package var likers: Set<String> = []

    package init(
        kind: RepoKind, id: RepoID, visibility: Visibility = .public, sdk: SpaceSDK? = nil, createdAt: Int64,
        number: Int
    ) {
        self.kind = kind
        self.id = id
        self.visibility = visibility
        self.sdk = sdk
        self.createdAt = createdAt
        serial = Self.hex(24, seed: "repo \(number)")
    }

    /// About how much memory it takes.
    package var heldBytes: Int { history.heldBytes + settings.heldBytes + discussions.reduce(0) { $0 + $1.heldBytes } }

    package func url(at origin: String) -> String { "\(origin)/\(kind.webPrefix)\(id.path)" }

    /// In the form of `/api/{kind}/{id}` at `commit`; lists leave the files out.
    package func json(at commit: SandboxCommit?, withFiles: Bool, withSizes: Bool = false) -> JSON {
        var members: [String: JSON] = [
            "_id": .string(serial), "id": .string(id.text), "author": .string(id.namespace ?? ""),
            "sha": .string(commit?.id ?? ""), "createdAt": .string(Self.timestamp(createdAt)),
            "lastModified": .string(Self.timestamp(commit?.date ?? createdAt)),
            "private": .bool(visibility == .private), "gated": gate.json, "disabled": false, "downloads": 0,
            "likes": .integer(Int64(likers.count)), "tags": ["region:us"],
        ]
        if kind == .model { members["modelId"] = .string(id.text) }
        if let sdk { members["sdk"] = .string(sdk.rawValue) }
        if withFiles, let commit { members["siblings"] = .array(Self.siblings(commit, withSizes: withSizes)) }
        // The Hub shows it only where it is set.
        if discussionsDisabled { members["discussionsDisabled"] = true }
        return .object(members)
    }

    private static func siblings(_ commit: SandboxCommit, withSizes: Bool) -> [JSON] {
        commit.tree.files.sorted { $0.key < $1.key }.map { path, file in
            guard withSizes else { return ["rfilename": .string(path)] }
            var members = file.json(at: path)
            members["rfilename"] = members.removeValue(forKey: "path")
            members["blobId"] = members.removeValue(forKey: "oid")
            members["type"] = nil
            members["xetHash"] = nil
            if case .object(var lfs)? = members["lfs"] {
                lfs["sha256"] = lfs.removeValue(forKey: "oid")
                members["lfs"] = .object(lfs)
            }
            return .object(members)
        }
    }

    /// In the Hub's form: `2026-01-01T00:00:00.000Z`.
    package static func timestamp(_ seconds: Int64) -> String {
        Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            .format(Date(timeIntervalSince1970: TimeInterval(seconds)))
    }

    /// `digits` hexadecimal digits that look like the Hub's ids and are the same for the same seed (FNV-1a, then
    /// SplitMix64).
    package static func hex(_ digits: Int, seed: String) -> String {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in seed.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var text = ""
        while text.count < digits {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            let block = String(word ^ (word >> 31), radix: 16)
            text += String(repeating: "0", count: 16 - block.count) + block
        }
        return String(text.prefix(digits))
    }
}
