import CEvent
import Glibc

/// A user of this machine.
package struct UserAccount: Equatable, Sendable {
    package let name: String
    package let user: UInt32
    package let group: UInt32

    package init(name: String, user: UInt32, group: UInt32) {
        (self.name, self.user, self.group) = (name, user, group)
    }

    /// Nil: there is no user of that name.
    package init?(named name: String) {
        guard let entry = unsafe getpwnam(name) else { return nil }
        self.name = name
        user = unsafe entry.pointee.pw_uid
        group = unsafe entry.pointee.pw_gid
    }

    /// The user whose rights this process has: the name, or the number of a user without one.
    package static var currentName: String {
        guard let entry = unsafe getpwuid(geteuid()), let name = unsafe entry.pointee.pw_name else {
            return "\(geteuid())"
        }
        return unsafe String(cString: name)
    }

    /// Changes this process from root to this user for good. Throws when any of root's rights are left.
    package func become() throws(CError) {
        var error = ce_error()
        guard unsafe ce_privileges_drop(user, group, &error) else { throw CError(error) }
    }
}
