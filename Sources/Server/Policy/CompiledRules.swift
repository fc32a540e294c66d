import HTTP
import Hub

/// The rules of a scope in a flat form: a question costs no allocation and a few nanoseconds a rule.
///
/// A rule that allows compares names exactly; one that denies ignores case, and matches in doubt: the Hub may read
/// `ACME/x` as `acme/x`, and a name without an owner as one of an owner's.
struct CompiledRules: Sendable {
    private struct Entry: Sendable {
        let actions: HubActions
        let isDenial: Bool
        let kind: ResourceKind?
        let isAll: Bool
        let isPublic: Bool
        let isOwnerAny: Bool
        let isNameAny: Bool
        /// The byte that the owner has to begin with, in small letters; 0 for any.
        let first: UInt8
        /// Ranges of the letters: the part before the slash, empty without one; the part after it; both.
        let owner: Range<Int>
        let name: Range<Int>
        let whole: Range<Int>
    }

    /// What the rules say about a resource.
    struct Verdict {
        var allowed = HubActions.none
        /// Allowed by a rule for public content.
        var allowedPublic = HubActions.none
        var denied = HubActions.none
        /// The first rule that allowed one of the actions asked for, and the first that denied one.
        var allowing: Int?
        var denying: Int?
    }

    private let entries: [Entry]
    private let letters: [UInt8]

    init(_ rules: [Rule]) {
        var letters: [UInt8] = []
        entries = rules.map { rule in
            let isDenial = rule.effect == .deny
            let glob = rule.pattern.glob.utf8.map { isDenial ? $0.asciiLowercased : $0 }
            let whole = letters.count..<letters.count + glob.count
            letters += glob
            let slash = glob.firstIndex(of: UInt8(ascii: "/"))
            let owner = slash.map { whole.lowerBound..<whole.lowerBound + $0 } ?? whole.lowerBound..<whole.lowerBound
            let name = slash.map { whole.lowerBound + $0 + 1..<whole.upperBound } ?? whole
            let isAny = { (range: Range<Int>) in range.count == 1 && letters[range.lowerBound] == UInt8(ascii: "*") }
            return Entry(
                actions: rule.actions, isDenial: isDenial, kind: rule.pattern.kind,
                isAll: glob == [UInt8(ascii: "*")] && !rule.pattern.isPublic, isPublic: rule.pattern.isPublic,
                isOwnerAny: isAny(owner), isNameAny: isAny(name),
                first: owner.isEmpty || glob[0] == UInt8(ascii: "*") ? 0 : glob[0].asciiLowercased, owner: owner,
                name: name,
                whole: whole)
        }
        self.letters = letters
    }

    func verdict(on need: HubNeed) -> Verdict { verdict(on: need.resource, need.sufficient, need.notes) }

    /// What the rules with one of `actions` say about `resource`.
    func verdict(on resource: HubResource, _ actions: HubActions, _ notes: HubOperationRow.Notes = []) -> Verdict {
        let suitsAny = notes.contains(.anyPattern)
        return resource.withBytes { owner, name in
            var verdict = Verdict()
            let begin = owner.isEmpty || suitsAny ? 0 : owner[0].asciiLowercased
            let entries = entries.span
            for index in 0..<entries.count {
                // Most rules are about other owners.
                guard begin == 0 || entries[index].first == 0 || entries[index].first == begin else { continue }
                let entry = entries[index]
                let common = entry.actions.intersection(actions)
                guard !common.isEmpty else { continue }
                if entry.isDenial {
                    guard denies(entry, resource, owner, name) else { continue }
                    verdict.denied.formUnion(common)
                    if verdict.denying == nil { verdict.denying = index }
                } else if entry.isPublic {
                    guard resource.form == .repo || resource.form == .ownRepo || resource.form == .none || suitsAny
                    else { continue }
                    verdict.allowedPublic.formUnion(common)
                    if verdict.allowing == nil { verdict.allowing = index }
                } else if suitsAny || allows(entry, resource, owner, name) {
                    if verdict.allowed.isEmpty { verdict.allowing = index }
                    verdict.allowed.formUnion(common)
                }
            }
            return verdict
        }
    }

    /// Whether a rule allows anything of this owner's, or of all owners'.
    func concern(owner: String) -> Bool {
        entries.contains { entry in
            !entry.isDenial && !entry.isPublic
                && (entry.isAll || !entry.owner.isEmpty && fits(entry.owner, owner.utf8.span, false))
        }
    }

    private func fits(_ pattern: Range<Int>, _ text: Span<UInt8>, _ isCaseless: Bool) -> Bool {
        Glob.matches(letters.span.extracting(pattern), text, isCaseless: isCaseless)
    }

    private func allows(_ entry: Entry, _ resource: HubResource, _ owner: Span<UInt8>, _ name: Span<UInt8>) -> Bool {
        guard entry.kind == nil || entry.kind == resource.kind else { return false }
        if entry.isAll { return true }
        switch resource.form {
        case .none: return false
        case .namespace: return entry.isNameAny && !entry.owner.isEmpty && fits(entry.owner, owner, false)
        case .repo where owner.isEmpty: return entry.owner.isEmpty && fits(entry.name, name, false)
        case .repo: return !entry.owner.isEmpty && fits(entry.owner, owner, false) && fits(entry.name, name, false)
        case .ownRepo: return entry.isOwnerAny && fits(entry.name, name, false)
        case .ownNamespace: return entry.isOwnerAny && entry.isNameAny
        case .model: return !name.isEmpty && fitsModel(entry, name, false)
        }
    }

    private func denies(_ entry: Entry, _ resource: HubResource, _ owner: Span<UInt8>, _ name: Span<UInt8>) -> Bool {
        guard entry.kind == nil || resource.kind == nil && resource.form == .repo || entry.kind == resource.kind else {
            return false
        }
        if entry.isAll { return true }
        switch resource.form {
        case .none: return false
        case .namespace: return entry.isNameAny && !entry.owner.isEmpty && fits(entry.owner, owner, true)
        case .repo where owner.isEmpty:
            return fits(entry.owner.isEmpty ? entry.name : entry.owner, name, true)
        case .repo: return !entry.owner.isEmpty && fits(entry.owner, owner, true) && fits(entry.name, name, true)
        case .ownRepo: return fits(entry.name, name, true)
        case .ownNamespace: return entry.isNameAny
        // A model without a name may be any.
        case .model: return name.isEmpty || fitsModel(entry, name, true)
        }
    }

    /// A model may have a provider after a colon, as in `meta-llama/Llama-3.1-8B-Instruct:groq`.
    private func fitsModel(_ entry: Entry, _ model: Span<UInt8>, _ isCaseless: Bool) -> Bool {
        if fits(entry.whole, model, isCaseless) { return true }
        guard let colon = model.indices.last(where: { model[$0] == UInt8(ascii: ":") }) else { return false }
        return fits(entry.whole, model.extracting(first: colon), isCaseless)
    }
}
