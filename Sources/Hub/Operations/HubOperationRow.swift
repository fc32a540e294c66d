package import HTTP

/// One row of THE table of the Hub's operations.
package struct HubOperationRow: Sendable {
    /// The server of a request: the same path means one thing at the Hub and another at the inference router.
    package enum Origin: UInt8, Sendable { case hub, router }

    /// Other properties of an operation.
    package struct Notes: OptionSet, Sendable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }

        /// With `?create_pr=1` the right to discuss is enough: it makes a pull request.
        package static let pullRequest = Notes(rawValue: 1 << 0)
        /// The right to discuss is enough: its result helps only with a commit, which needs its own right.
        package static let discussSuffices = Notes(rawValue: 1 << 1)
        /// Only `?service=git-upload-pack` reads; otherwise it is the start of a push.
        package static let gitService = Notes(rawValue: 1 << 2)
        /// Every key is allowed: the response is about the key.
        package static let everyKey = Notes(rawValue: 1 << 3)
        /// A JSON array: private entries that the key may not read are left out.
        package static let filtered = Notes(rawValue: 1 << 4)
        /// May show private content, in a form that is not filtered: asked without a credential, unless the key may read everything.
        package static let mayShowPrivate = Notes(rawValue: 1 << 5)
        /// Names no resource, and is harmless: a rule with the action is enough, whatever its pattern.
        package static let anyPattern = Notes(rawValue: 1 << 6)
        /// To be answered by the key's scope, not the token's.
        package static let ofScope = Notes(rawValue: 1 << 7)
        /// The model is in the path, by the provider's name for it.
        package static let modelInPath = Notes(rawValue: 1 << 8)
        /// Belongs to the owner of the token, whatever repository it names.
        package static let tokenOwner = Notes(rawValue: 1 << 10)
        /// The response is for one client alone, or goes on for as long as it listens, or changes without a write: each client makes its own call.
        package static let unshared = Notes(rawValue: 1 << 11)
        /// With a commit's whole hash in `{rev}` a successful response is content of that commit alone: it never changes.
        package static let ofCommit = Notes(rawValue: 1 << 12)
        /// Gives its client access to Xet.
        package static let xetToken = Notes(rawValue: 1 << 13)
        /// Never relayed where the gateway has keys.
        package static let notRelayed = Notes(rawValue: 1 << 9)
    }

    package let methods: [Method]
    /// `{T}` is one of models, datasets, spaces, kernels; `{id}` is owner/name, or for a read name alone; `[x]` may be missing.
    package let path: String
    package let action: HubAction
    package let notes: Notes
    package let body: HubBody?
    package let origin: Origin
    /// For the document.
    package let remark: String

    package init(
        _ methods: String, _ path: String, _ action: HubAction, _ notes: Notes = [], body: HubBody? = nil,
        at origin: Origin = .hub, _ remark: String = ""
    ) {
        self.methods = methods.split(separator: " ").map { Method(rawValue: String($0)) }
        self.path = path
        self.action = action
        self.notes = notes
        self.body = body
        self.origin = origin
        self.remark = remark
    }

    /// The resource that it acts on, in words.
    package var resource: String {
        if let body, body.namesResource { return "in the body" }
        if path.contains("{id}") || path.contains("{name}") {
            return path.contains("/buckets/") ? "bucket" : "repository"
        }
        if path.contains("{ns}") { return "owner" }
        return notes.contains(.modelInPath) ? "model" : "-"
    }
}

/// How the body of a request changes its rights.
package enum HubBody: String, Sendable, CaseIterable {
    case lfsBatch, create, duplicate, delete, move, settings, bucketCreate, bucketBatch, lfsDuplicate, collection,
        collectionUpdate, volumes, job, model

    /// Whether it names the resource that the request acts on.
    package var namesResource: Bool {
        switch self {
        case .create, .delete, .move, .model, .collection: true
        default: false
        }
    }

    /// For the document.
    package var remark: String {
        switch self {
        case .lfsBatch: "body `operation`: download reads, upload writes"
        case .create: "body: type, organization and name; and publish unless private; and spend for hardware or storage"
        case .duplicate:
            "body `repository`: create there; read of the source; publish unless private; spend for hardware"
        case .delete: "body: type, organization and name"
        case .move: "body: fromRepo and toRepo, both"
        case .settings: "and publish where it becomes public, or `gated` is not `manual`"
        case .bucketCreate: "and publish unless private"
        case .bucketBatch: "body: and read of what is copied from"
        case .lfsDuplicate: "body `target`: write there; read of the source"
        case .collection: "body `namespace`; and publish unless private"
        case .collectionUpdate: "and publish where private is false"
        case .volumes: "body `volumes`: and read of what is mounted, write unless read-only"
        case .job:
            "body `volumes`: and read of what is mounted, write unless read-only; and publish where it is exposed"
        case .model: "body `model`"
        }
    }
}
