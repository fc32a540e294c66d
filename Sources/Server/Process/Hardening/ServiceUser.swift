import EventIO
import Glibc

/// The user that the gateway runs as once it has what only root may take.
enum ServiceUser: Equatable {
    /// The user does not change.
    case unchanged
    /// Root until then.
    case becomes(UserAccount)

    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    private static let candidates = ["hubgate", "nobody"]

    /// `name` is the setting `user`; `effective` is the process's user. Throws where the change is not possible.
    init(
        _ name: String?, effective: UInt32 = geteuid(), lookUp: (String) -> UserAccount? = UserAccount.init(named:)
    ) throws(Fault) {
        guard let name else {
            guard effective == 0 else {
                self = .unchanged
                return
            }
            guard let account = Self.candidates.lazy.compactMap(lookUp).first else {
                throw Fault(
                    description: "user: this is root, and there is no user hubgate or nobody to become; name one")
            }
            self = .becomes(account)
            return
        }
        guard let account = lookUp(name) else { throw Fault(description: "user: there is no user \(name.shown) here") }
        switch (effective, account.user) {
        case (let same, let wanted) where same == wanted: self = .unchanged
        case (0, _): self = .becomes(account)
        default:
            throw Fault(
                description: "user: only root can become \(name.shown), and this is \(UserAccount.currentName); "
                    + "start it as root or as \(name.shown), or leave user out")
        }
    }
}
