import HTTP
import Hub

/// The repositories that `protect` names: deleting, moving or publishing one takes its name a second time, in a header field. Every caller that may
/// do it has to give that; it protects against mistakes of people and of programs, not against intent.
///
/// A name is compared as by a rule that denies: without regard to case, and it matches in doubt.
struct Protection: Sendable {
    /// Full names with commas between them. It never goes to the Hub.
    static let field = "X-Hubgate-Confirm"
    /// The name of the setting that refuses it, for the audit.
    static let setting = "protect"

    private static let guarded: HubActions = [HubActions(.delete), HubActions(.move), HubActions(.publish)]

    private let rules: CompiledRules
    /// Whether anything is protected.
    let isOn: Bool

    /// Throws nothing: a pattern of names can always be denied.
    init(_ patterns: [ResourcePattern]) {
        isOn = !patterns.isEmpty
        rules = CompiledRules(patterns.compactMap { try? Rule(.deny, .all, $0) })
    }

    /// Whether the request's body says what is deleted, moved or published.
    func needsBody(_ operation: HubOperation) -> Bool {
        guard isOn, let body = operation.body else { return false }
        return switch body {
        case .create, .delete, .move, .duplicate: true
        case .settings, .bucketCreate: isProtected(operation.resource)
        case .lfsBatch, .bucketBatch, .lfsDuplicate, .collection, .collectionUpdate, .volumes, .job, .model: false
        }
    }

    /// Throws `declined` where the request needs a confirmation and has none, and `denied` where it is unknown what it would
    /// change. `needs` include those of the body, where `needsBody` says so.
    func check(
        _ operation: HubOperation, _ needs: [HubNeed], _ target: Target, _ headers: Headers
    ) throws(Failure) {
        guard isOn, !operation.isSafe else { return }
        switch operation.reading {
        case .ambiguous: throw .unclearChange
        // What it would change is in a body of unknown form.
        case .unknown where target.pathBegins(with: "/api/repos/"): throw .unclearChange
        default: try check(needs, headers)
        }
    }

    /// The same for the facade's calls.
    func check(_ needs: [HubNeed], _ headers: Headers) throws(Failure) {
        let missing = unconfirmed(needs, headers)
        guard !missing.isEmpty else { return }
        throw .unconfirmed(missing)
    }

    /// Those of `needs` that take a confirmation which `headers` do not have.
    func unconfirmed(_ needs: [HubNeed], _ headers: Headers) -> [HubNeed] {
        guard isOn else { return [] }
        let wanted = needs.filter { concerns($0) }
        guard !wanted.isEmpty else { return [] }
        let confirmed = Self.names(headers)
        return wanted.filter { !confirmed.contains(Self.comparable($0.resource.fullName)) }
    }

    /// Whether the right takes a confirmation. An unknown one may be any change.
    func concerns(_ need: HubNeed) -> Bool {
        !need.sufficient.isDisjoint(with: Self.guarded.union(HubActions(.other))) && isProtected(need.resource)
    }

    private func isProtected(_ resource: HubResource) -> Bool {
        guard resource.form == .repo || resource.form == .ownRepo else { return false }
        return rules.verdict(on: resource, .all).denying != nil
    }

    private static func names(_ headers: Headers) -> Set<[UInt8]> {
        Set(
            headers.values(of: field).flatMap { value in
                value.utf8.split(separator: UInt8(ascii: ",")).map { comparable($0.trimmingOWS()) }
            })
    }

    private static func comparable(_ text: some Sequence<UInt8>) -> [UInt8] { text.map(\.asciiLowercased) }
    private static func comparable(_ text: String) -> [UInt8] { comparable(text.utf8) }
}

extension HubResource {
    /// The form in which it has to be confirmed: `owner/name`; the name alone where the request leaves the owner to the Hub.
    fileprivate var fullName: String { form == .repo && !owner.isEmpty ? "\(owner)/\(name)" : name }
}

extension Failure {
    fileprivate static func unconfirmed(_ needs: [HubNeed]) -> Failure {
        var names: [String] = []
        for name in needs.map(\.resource.fullName) where !names.contains(name) { names.append(name) }
        let list = names.joined(separator: ", ")
        let subject = names.count == 1 ? "\(list) is" : "\(list) are"
        let acts = Set(needs.map { $0.action == .other ? "change" : $0.action.name }).sorted().joined(
            separator: " and ")
        return Failure(
            .declined(.confirmationRequired),
            detail:
                "\(subject) protected on this gateway. If you mean to \(acts) it, send the request again with the header \"\(Protection.field): \(list)\"."
        )
    }

    fileprivate static var unclearChange: Failure {
        Failure(
            .denied,
            detail:
                "This gateway protects repositories, and passes on no change of which it cannot tell what it changes: the path can be read in more than one way, or is not known. Write it without needless escapes, capital letters, slashes and \"_method\"."
        )
    }
}
