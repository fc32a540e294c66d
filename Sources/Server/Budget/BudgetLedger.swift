import EventIO
import HTTP
import Hub

/// What is left of the Hub's budgets, in memory that all workers share: for each credential and each of the Hub's buckets a `BudgetWindow`.
///
/// There is room for a fixed number of credentials. One whose windows are over makes room for another. Where there is no room, a new
/// credential has no budget here, and its calls go as if the Hub had said nothing.
struct BudgetLedger: Sendable {
    private static let accounts = 256
    private static let probes = 8
    /// The credential's digest, then what the Hub has named for each class of paths.
    private static let header = 8
    private static let accountWords = header + HubBucket.allCases.count * BudgetWindow.words
    /// The first word: whether the Hub has ever said anything of a budget.
    private static let first = 1

    private let words = SharedWords(
        count: BudgetLedger.first + BudgetLedger.accounts * BudgetLedger.accountWords)

    /// Where a credential's words are.
    struct Account: Equatable, Sendable {
        fileprivate let base: Int
        fileprivate let digest: UInt64
    }

    /// False as long as no budget is known: then nothing else has to be looked at.
    var isUsed: Bool { words.load(0) != 0 }

    func use() {
        if !isUsed { words.store(0, 1) }
    }

    /// `digest` is not 0. Nil: there is no room. `now` in microseconds.
    func account(_ digest: UInt64, at now: Int) -> Account? {
        let start = Int(truncatingIfNeeded: digest)
        var reusable: (base: Int, digest: UInt64)?
        for step in 0..<Self.probes {
            let base = Self.first + ((start &+ step) & (Self.accounts - 1)) * Self.accountWords
            let found = words.load(base)
            if found == digest { return Account(base: base, digest: digest) }
            if reusable == nil, found == 0 || isOver(base, at: now) { reusable = (base, found) }
        }
        guard let (base, old) = reusable, words.exchange(base, old, for: digest) == nil else { return nil }
        // Clears the bucket names of the credential before. Counts of shares belong to windows, and windows to the account.
        for word in 1..<Self.header { words.store(base + word, 0) }
        let account = Account(base: base, digest: digest)
        for bucket in HubBucket.allCases { window(account, bucket).forget() }
        return account
    }

    /// Whether the account is still that credential's.
    func isCurrent(_ account: Account) -> Bool { words.load(account.base) == account.digest }

    private func isOver(_ base: Int, at now: Int) -> Bool {
        HubBucket.allCases.allSatisfy { windowAt(base, $0).isOver(at: now) }
    }

    func window(_ account: Account, _ bucket: HubBucket) -> BudgetWindow { windowAt(account.base, bucket) }

    private func windowAt(_ base: Int, _ bucket: HubBucket) -> BudgetWindow {
        BudgetWindow(words, at: base + Self.header + bucket.rawValue * BudgetWindow.words)
    }

    /// The bucket of such a request: the one that the Hub has named, else the likely one.
    func bucket(_ account: Account, of path: HubPathClass) -> HubBucket {
        let named = Int(truncatingIfNeeded: words.load(account.base + 1 + path.rawValue))
        return HubBucket(rawValue: named - 1) ?? path.likelyBucket
    }

    func name(_ bucket: HubBucket, for path: HubPathClass, of account: Account) {
        let word = account.base + 1 + path.rawValue
        let name = UInt64(bucket.rawValue + 1)
        if words.load(word) != name { words.store(word, name) }
    }

    /// All windows of all credentials that are here, with these credentials' digests.
    var known: [(digest: UInt64, bucket: HubBucket, window: BudgetWindow)] {
        guard isUsed else { return [] }
        return (0..<Self.accounts).flatMap { number -> [(digest: UInt64, bucket: HubBucket, window: BudgetWindow)] in
            let base = Self.first + number * Self.accountWords
            let digest = words.load(base)
            return digest == 0 ? [] : HubBucket.allCases.map { (digest, $0, windowAt(base, $0)) }
        }
    }

    /// Of the credential that has the smallest part of this bucket left: what is left, and the whole. Nil where no window is known.
    func scarcest(_ bucket: HubBucket, at now: Int) -> (left: Int, quota: Int)? {
        var scarcest: (left: Int, quota: Int)?
        guard isUsed else { return nil }
        for number in 0..<Self.accounts {
            let base = Self.first + number * Self.accountWords
            guard words.load(base) != 0 else { continue }
            let window = windowAt(base, bucket)
            guard !window.isOver(at: now), let view = window.look(at: now), view.quota > 0 else { continue }
            if let least = scarcest, least.left * view.quota <= view.left * least.quota { continue }
            scarcest = (view.left, view.quota)
        }
        return scarcest
    }
}
