import EventIO
import HTTP
import Hub

/// A key may be revoked, narrowed or expire while a request of it waits: for its body, for the audit, for its turn. So before another server is called, and
/// with each piece of a body, the key is checked again. Where no key has changed that compares one number.
extension RequestContext {
    /// From here on `key` is checked before each act. `isSigned`: a signed URL was used. `connection`: of a client that is known by its certificate.
    func watch(_ key: KeyIdentity, by keys: KeyStore, isSigned: Bool = false, connection: Exchange? = nil) {
        (self.keys, keyChanges, keyExpires) = (keys, keys.changes, key.expires)
        (watchedKey, isByKeyOfURL, certified) = (key, isSigned, connection)
    }

    /// Work that was begun for `context` goes on without its client, but ends with its key all the same.
    func watchKey(of context: RequestContext) {
        (keys, keyChanges, keyExpires) = (context.keys, context.keyChanges, context.keyExpires)
        (watchedKey, isByKeyOfURL, certified) = (context.watchedKey, context.isByKeyOfURL, context.certified)
        (operation, needs, payers, permit) = (context.operation, context.needs, context.payers, context.permit)
    }

    /// What has begun is finished, whatever happens to the key.
    func ignoresKey() { keys = nil }

    /// Throws the failure that a new request would get, where the key may not make this one any more.
    @inline(__always)
    func confirmKey() throws(Failure) {
        guard let keys, !isKeyAsItWas(keys) else { return }
        try confirmKey(keys)
    }

    /// The same before the request is judged: returns the present key, nil where its rights have not changed.
    func changedKey() throws(Failure) -> KeyIdentity? {
        guard let keys, let key = watchedKey, !isKeyAsItWas(keys) else { return nil }
        let present = try present(key, keys)
        (keyChanges, keyExpires, watchedKey) = (keys.changes, present.expires, present)
        watchedKey?.secret = key.secret
        return present.mark == key.mark ? nil : present
    }

    private func isKeyAsItWas(_ keys: KeyStore) -> Bool {
        keys.changes == keyChanges && (keyExpires == .max || keyExpires > Int64(WallClock.now.seconds))
    }

    private func confirmKey(_ keys: KeyStore) throws(Failure) {
        guard let key = watchedKey else { return }
        let present = try present(key, keys)
        if present.mark != key.mark {
            if isByKeyOfURL { throw .signedURLOfOtherRights }
            try judge(present, keys)
            guard present.grant.grant.credential == key.grant.grant.credential else { throw .rightsChanged }
        }
        (keyChanges, keyExpires) = (keys.changes, present.expires)
    }

    private func present(_ key: KeyIdentity, _ keys: KeyStore) throws(Failure) -> KeyIdentity {
        let present: KeyIdentity
        do throws(KeyRefusal) {
            present = try key.isOfCertificate ? certifiedKey(keys) : keys.present(key)
        } catch {
            throw isByKeyOfURL ? .signedURLRevoked : error.failure
        }
        guard present.grant.fault == nil else {
            throw isByKeyOfURL ? .signedURLRevoked : .uselessKey(present.name)
        }
        return present
    }

    /// For a client with a certificate, which is judged again.
    private func certifiedKey(_ keys: KeyStore) throws(KeyRefusal) -> KeyIdentity {
        let principal = certified.flatMap { keys.identification?.principal(byCertificateOf: $0) }
        guard let key = principal?.key else { throw principal?.refusal ?? .missing }
        return key
    }

    /// Whether the present key allows what was allowed before, in the same way.
    private func judge(_ key: KeyIdentity, _ keys: KeyStore) throws(Failure) {
        guard permit == .relayed, principal.isLent else { throw .rightsChanged }
        if keys.identification?.isShadow(key) ?? false { return }
        let scope = key.grant.scope
        let decision: AccessDecision
        if let operation {
            guard needs != nil || !scope.needsBody(operation) else { throw .rightsChanged }
            decision = needs.map { scope.decide(operation, $0) } ?? scope.decide(operation)
        } else if let needs {
            decision = scope.decide(needs)
        } else {
            throw .rightsChanged
        }
        switch decision {
        case .refuse(let refusal): throw Failure(refusal)
        case .allow(let permit):
            for need in payers where !scope.allows(need.action, need.resource) {
                throw Failure(
                    AccessRefusal(action: need.action, resource: need.resource, reason: .noRule, looksAbsent: false))
            }
            guard permit.response == .relayed, !permit.withoutCredential else { throw .rightsChanged }
        }
    }
}
