import EventIO
import HTTP
import Hub

/// One request that the audit has to know of: from its decision to its end.
@EventLoop
final class AuditedRequest {
    private enum Stage {
        /// Nothing is known of it that the audit wants.
        case open
        /// It may be made, and is written down first.
        case allowed
        case refused
        /// Its intent was sent; the outcome follows.
        case begun
        /// Its intent will not be written, so nothing is done and nothing follows.
        case ended
    }

    /// In place of a rule, where those of the key refuse nothing.
    static let shadow = "policy shadow"

    private let auditor: Auditor
    /// The fields that all its lines have.
    private var record: AuditRecord
    private var stage = Stage.open
    private var isOfStranger = false
    /// Calls that were begun for it and may change something.
    private(set) var calls = 0
    /// Its calls are made also when its client has left.
    var outlivesClient = false
    /// Counts the body as it goes by; nil where it does not.
    private(set) var body: AuditedBody?

    init(_ auditor: Auditor, _ id: RequestID, _ request: Request, _ target: Target, address: String) {
        self.auditor = auditor
        record = AuditRecord(.intent)
        record.set(.requestID, id.description)
        record.set(.address, address)
        record.set(.method, request.method.rawValue)
        record.set(.target, target.loggable)
        record.set(.agent, request.headers["User-Agent"])
    }

    /// Notes the key that it was made with.
    func identify(_ key: KeyIdentity) {
        record.set(.key, key.name)
        record.set(.keyID, key.shownID)
        record.set(.role, key.grant.grant.role)
    }

    /// The request is allowed. `needs`: all rights that it needs; `rule`: the one that allows the chief of them.
    func allow(_ needs: [HubNeed], rule: String?) {
        describe(needs)
        record.set(.decision, "allowed")
        record.set(.rule, rule)
        stage = .allowed
    }

    /// The request is refused, and the Hub is not asked. `rule`: the one that denies it, if there is one. `code` says why.
    func refuse(_ needs: [HubNeed], rule: String?, isOfStranger: Bool = false) {
        describe(needs)
        record.set(.decision, "refused")
        record.set(.rule, rule)
        self.isOfStranger = isOfStranger
        stage = .refused
    }

    private func describe(_ needs: [HubNeed]) {
        guard let chief = needs.chief else { return }
        record.set(.action, chief.action.name)
        record.set(.resource, chief.resource.description)
        if needs.count > 1 { record.set(.needs, list: needs.map { "\($0.action.name) \($0.resource)" }) }
        let moves = needs.filter { $0.action == .move }
        if moves.count == 2 { record.set(.newName, moves[1].resource.description) }
    }

    /// The branch that a commit goes to, and how many files are in the body that will go by.
    func expectCommit(to branch: String?) {
        record.set(.branch, branch)
        body = AuditedBody(isCommit: true)
    }

    /// The body will be counted on its way.
    func expectBody() {
        body = body ?? AuditedBody(isCommit: false)
    }

    /// Writes down what is about to be done. True: it may be done at once; else `then` is called later, with the failure if it may not.
    func begin(_ then: @escaping @EventLoop (Failure?) -> Void) -> Bool {
        guard stage == .allowed else { return true }
        stage = .begun
        guard record.text(.action) != HubAction.infer.name else {
            // It costs money and changes nothing: a model does not wait for a disk.
            auditor.note(AuditRecord(.intent, as: record))
            return true
        }
        auditor.write(AuditRecord(.intent, as: record)) { loss in
            if loss == .refused { self.stage = .ended }
            then(loss == nil ? nil : .auditUnavailable)
        }
        return false
    }

    /// A delete was a move to this name instead: `model:acme/hubgate-trash-…`.
    func moved(to name: String) {
        record.set(.newName, name)
        record.set(.detail, "moved to the trash")
    }

    /// The call with this method begins: from here on the Hub may get it.
    func calls(_ method: Method) {
        if !method.isSafe { calls += 1 }
    }

    /// `begin`, to be awaited.
    func begun() async throws(Failure) {
        let failure = await withCheckedContinuation { waiter in
            if begin({ waiter.resume(returning: $0) }) { waiter.resume(returning: nil) }
        }
        if let failure { throw failure }
    }

    /// The request has ended; `ending` sets the fields of its outcome.
    func end(_ ending: (inout AuditRecord) -> Void) {
        defer { stage = .ended }
        switch stage {
        case .open, .allowed, .ended: return
        case .refused:
            var line = AuditRecord(.refusal, as: record)
            ending(&line)
            auditor.refuse(line, isOfStranger: isOfStranger)
        case .begun:
            var line = AuditRecord(.outcome, as: record)
            ending(&line)
            if let body {
                line.set(.files, body.files)
                line.set(.bytesIn, body.bytes)
            }
            auditor.note(line)
        }
    }
}

extension [HubNeed] {
    /// The one that names the request: the first that changes something, else the first.
    var chief: HubNeed? { first { !$0.action.isHarmless } ?? first }
}

extension HubAction {
    /// Whether it can change nothing and costs nothing.
    fileprivate var isHarmless: Bool { self == .read || self == .search }
}

extension HubOperation {
    /// Whether a request for it may change something, give the means to, or cost money. By its own need or, where they are known, by all
    /// of `needs`.
    func isAct(_ needs: [HubNeed]? = nil) -> Bool {
        guard reading != .ambiguous else { return true }
        if let needs { return needs.contains { isAct($0.action) } }
        // The body, which was not read, may add an act to a request that only reads.
        return isAct(action) || body != nil && !isSafe
    }

    private func isAct(_ action: HubAction) -> Bool {
        switch action {
        case .read, .search: false
        // A safe request for the account, or for what is not known, changes nothing.
        case .account, .other: !isSafe
        default: true
        }
    }

    /// Whether the body alone names the act, or its target.
    var isNamedByBody: Bool {
        switch body {
        case .create, .delete, .move, .lfsBatch, .lfsDuplicate, .collection, .duplicate: true
        default: false
        }
    }
}

extension Failure {
    /// The intent has to be in the audit first, and the audit cannot be written.
    static var auditUnavailable: Failure {
        Failure(
            .auditUnavailable,
            detail:
                "This gateway cannot write its audit at present, so it changes nothing; reads go on. Try again in 5 s. Its operator finds the reason in its log.",
            retryAfter: 5)
    }
}
