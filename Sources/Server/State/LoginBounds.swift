/// Which keys logins may make, by the settings: the state process enforces it for workers.
struct LoginBounds: Equatable, Sendable {
    /// Bounds of one rule.
    struct Bound: Equatable, Sendable {
        let role: String
        let credential: String?
        /// How long a key lives, in seconds.
        let lifetime: Int64
        /// How many keys may live at once.
        let mostKeys: Int64
        /// How many of them one subject may have.
        let mostKeysOfSubject: Int64
    }

    /// Bounds of devices.
    struct Device: Equatable, Sendable {
        /// Nil: the rights of the key that confirms.
        let role: String?
        /// How long a key lives, in seconds.
        let lifetime: Int64
        /// Roles whose keys have limits.
        let limitedRoles: [String]
    }

    private(set) var rules: [String: Bound] = [:]
    /// Nil: no device gets a key.
    private(set) var device: Device?

    init() {}

    init(_ settings: Settings) {
        device = settings.loginRole.map { role in
            Device(
                role: role == Settings.approversRole ? nil : role, lifetime: settings.loginLifetime.components.seconds,
                limitedRoles: settings.roles.roles.filter { !$0.value.limits.isEmpty }.keys.sorted())
        }
        for rule in settings.logins.rules {
            rules[rule.name] = Bound(
                role: rule.role, credential: rule.credential, lifetime: rule.lifetime, mostKeys: Int64(rule.mostKeys),
                mostKeysOfSubject: Int64(rule.mostKeysOfSubject))
        }
    }
}

extension LoginBounds {
    func put(into writer: inout ByteWriter) {
        writer.put(device) { writer, device in
            writer.put(device.role) { $0.put($1) }
            writer.put(device.lifetime)
            writer.put(device.limitedRoles)
        }
        writer.put(UInt32(rules.count))
        for (name, bound) in rules {
            writer.put(name)
            writer.put(bound.role)
            writer.put(bound.credential) { $0.put($1) }
            writer.put(bound.lifetime)
            writer.put(bound.mostKeys)
            writer.put(bound.mostKeysOfSubject)
        }
    }

    init?(from reader: inout ByteReader) {
        let device = reader.optional { (reader) -> Device? in
            guard let role = reader.optional({ $0.text() }), let lifetime = reader.number(Int64.self),
                let limitedRoles = reader.texts()
            else { return nil }
            return Device(role: role, lifetime: lifetime, limitedRoles: limitedRoles)
        }
        guard let device, let count = reader.number(UInt32.self) else { return nil }
        self.device = device
        for _ in 0..<count {
            guard let name = reader.text(), let role = reader.text(), let credential = reader.optional({ $0.text() }),
                let lifetime = reader.number(Int64.self), let mostKeys = reader.number(Int64.self),
                let mostKeysOfSubject = reader.number(Int64.self)
            else { return nil }
            rules[name] = Bound(
                role: role, credential: credential, lifetime: lifetime, mostKeys: mostKeys,
                mostKeysOfSubject: mostKeysOfSubject)
        }
    }
}
