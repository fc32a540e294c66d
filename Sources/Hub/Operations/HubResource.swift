import HTTP

/// The kinds of the Hub's resources. More than `RepoKind`: the facade offers three of them.
package enum ResourceKind: UInt8, CaseIterable, Sendable {
    case model, dataset, space, kernel, bucket

    private static let names = allCases.map { "\($0)" }

    package var name: String { Self.names[Int(rawValue)] }

    /// Its word in `/api/models/…`.
    package var path: String { name + "s" }

    package init?(name: some StringProtocol) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    package init(_ kind: RepoKind) {
        self =
            switch kind {
            case .model: .model
            case .dataset: .dataset
            case .space: .space
            }
    }
}

/// The resource of a request. Its names are parts of the text that they came in, so that finding them copies nothing.
package struct HubResource: Sendable {
    package enum Form: UInt8, Sendable {
        /// Nothing that has a name: a list, the account.
        case none
        /// Everything of an owner's: jobs, buckets.
        case namespace
        /// A repository with its owner; the owner of an old canonical one is empty.
        case repo
        /// A repository in the token's own namespace, where the request leaves the owner out or says `me`.
        case ownRepo
        /// The token's own namespace.
        case ownNamespace
        /// The model of a request for inference: any text.
        case model
    }

    package let form: Form
    /// Nil: no kind, or an unknown one.
    package let kind: ResourceKind?
    private let text: String
    private let owners: Range<Int>
    private let names: Range<Int>

    package static let none = HubResource(.none, nil, "", 0..<0, 0..<0)

    package init(_ form: Form, _ kind: ResourceKind?, _ text: String, _ owner: Range<Int>, _ name: Range<Int>) {
        self.form = form
        self.kind = kind
        self.text = text
        owners = owner
        names = name
    }

    package init(kind: ResourceKind?, owner: String, name: String) {
        let length = owner.utf8.count
        self.init(.repo, kind, owner + "/" + name, 0..<length, length + 1..<length + 1 + name.utf8.count)
    }

    /// Without an owner it is one of the token's own.
    package init(kind: ResourceKind, ownedBy id: RepoID) {
        if let owner = id.namespace {
            self = HubResource(kind: kind, owner: owner, name: id.name).knowingOwn
        } else {
            self = HubResource(.ownRepo, kind, id.name, 0..<0, 0..<id.name.utf8.count)
        }
    }

    package init(namespace: String) {
        self.init(.namespace, nil, namespace, 0..<namespace.utf8.count, 0..<0)
    }

    package init(model: String) {
        self.init(.model, .model, model, 0..<0, 0..<model.utf8.count)
    }

    /// Empty where there is none.
    package var owner: String {
        String(decoding: text.utf8.dropFirst(owners.lowerBound).prefix(owners.count), as: UTF8.self)
    }

    /// Of a repository, or the model's text.
    package var name: String {
        String(decoding: text.utf8.dropFirst(names.lowerBound).prefix(names.count), as: UTF8.self)
    }

    /// Passes the bytes of owner and name to `body`. Does not allocate.
    package func withBytes<Result>(_ body: (_ owner: Span<UInt8>, _ name: Span<UInt8>) -> Result) -> Result {
        let bytes = text.utf8.span
        return body(bytes.extracting(owners), bytes.extracting(names))
    }

    /// Hashes owner, name and form without a copy.
    package func hashNames(into hasher: inout Hasher) {
        hasher.combine(kind)
        withBytes { owner, name in
            unsafe owner.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
            hasher.combine(owner.count)
            unsafe name.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        }
    }

    /// The Hub reads the owner `me` as the owner of the token, probably without regard to case.
    package var knowingOwn: HubResource {
        guard form == .repo || form == .namespace, owners.count == 2 else { return self }
        let isOwn = withBytes { owner, _ in
            owner[0].asciiLowercased == UInt8(ascii: "m") && owner[1].asciiLowercased == UInt8(ascii: "e")
        }
        guard isOwn else { return self }
        return HubResource(form == .repo ? .ownRepo : .ownNamespace, kind, text, 0..<0, names)
    }

    /// The same with the token's owner instead of `me` or nothing; `account` is nil where that is not known.
    package func resolved(account: String?) -> HubResource {
        guard let account else { return self }
        return switch form {
        case .ownRepo: HubResource(kind: kind, owner: account, name: name)
        case .ownNamespace: HubResource(namespace: account)
        default: self
        }
    }
}

extension HubResource: Equatable {
    package static func == (one: HubResource, two: HubResource) -> Bool {
        one.form == two.form && one.kind == two.kind && one.owner == two.owner && one.name == two.name
    }
}

extension HubResource: CustomStringConvertible {
    /// `model:acme/x`, `acme/*` for a namespace, `-` for none. Safe in a header: a text that is no name of the Hub's is cut and cleaned.
    package var description: String {
        if form == .none { return "-" }
        var text: [UInt8] = []
        text.reserveCapacity(owners.count + names.count + 16)
        if form == .model {
            text += "model:".utf8
        } else if form == .repo || form == .ownRepo, let kind {
            text += kind.name.utf8
            text.append(UInt8(ascii: ":"))
        }
        withBytes { owner, name in
            switch form {
            case .ownRepo, .ownNamespace: text += "me/".utf8
            case .repo where owner.isEmpty: break
            case .repo, .namespace:
                Self.append(shown: owner, to: &text)
                text.append(UInt8(ascii: "/"))
            case .model, .none: break
            }
            switch form {
            case .namespace, .ownNamespace: text.append(UInt8(ascii: "*"))
            case .repo, .ownRepo, .model, .none: Self.append(shown: name, to: &text)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func append(shown bytes: Span<UInt8>, to text: inout [UInt8]) {
        for index in 0..<min(bytes.count, longestShown) {
            text.append((0x21...0x7E).contains(bytes[index]) ? bytes[index] : UInt8(ascii: "?"))
        }
    }

    private static var longestShown: Int { 128 }
}
