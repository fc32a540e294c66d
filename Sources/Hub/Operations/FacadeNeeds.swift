extension RepoCreation {
    /// The rights that it takes; `account` is the owner of the token, where it is known.
    package func needs(account: String?) -> [HubNeed] {
        let made = HubResource(kind: ResourceKind(kind), ownedBy: id).resolved(account: account)
        return [HubNeed(.create, made)] + (isPrivate ? [] : [HubNeed(.publish, made)])
    }
}

extension RepoUpdate {
    /// See `RepoCreation.needs`.
    package func needs(account: String?) -> [HubNeed] {
        let changed = HubResource(kind: ResourceKind(kind), ownedBy: id).resolved(account: account)
        return [HubNeed(.settings, changed)] + (isPrivate ? [] : [HubNeed(.publish, changed)])
    }
}

extension RepoDeletion {
    /// See `RepoCreation.needs`.
    package func needs(account: String?) -> [HubNeed] {
        [HubNeed(.delete, HubResource(kind: ResourceKind(kind), ownedBy: id).resolved(account: account))]
    }
}
