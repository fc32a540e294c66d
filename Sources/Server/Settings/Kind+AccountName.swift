internal import Hub

extension Kind where Value == String? {
    /// The name of a user or an organisation, by the Hub's rules for names.
    static var accountNameOrNothing: Kind { accountName.orNothing() }

    private static var accountName: Kind<String> {
        Kind<String>(
            name: "NAME",
            accepted: "the name of a user or an organisation",
            read: { (text) throws(Misfit) in
                guard let id = try? RepoID(text), id.namespace == nil else { throw Misfit("is no such name") }
                return id.name
            },
            text: { $0 }
        )
    }
}
