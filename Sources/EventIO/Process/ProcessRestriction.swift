import CEvent
import Glibc

/// Restricts by the kernel what this process, and those that it forks, may do from here on.
package enum ProcessRestriction {
    package enum Role {
        /// One loop, no children.
        case serving
        /// Forks workers, which restrict themselves further.
        case supervisor
        /// Keeps the state: no loop, no children, and writes files.
        case state
    }

    /// Allows the system calls of a role alone (seccomp). Throws where the kernel or the container does not support it.
    /// `childrenWrite`: one of the children of a supervisor is the state process.
    package static func keepSystemCalls(of role: Role, childrenWrite: Bool = false) throws(CError) {
        var error = ce_error()
        let wanted =
            switch role {
            case .serving: CE_ROLE_SERVING
            case .supervisor: CE_ROLE_SUPERVISOR
            case .state: CE_ROLE_STATE
            }
        guard unsafe ce_system_calls_restrict(wanted, childrenWrite, &error) else {
            throw CError(error)
        }
    }

    /// Allows reading these files and directories, writing in the directories `written`, and connecting to these TCP ports, and nothing else (Landlock).
    /// Returns the ABI version of the kernel's Landlock, below 4 without ports; 0 where there is none. Throws where there is one and it fails.
    package static func keep(
        paths: [String], written: [String] = [], ports: [UInt16]
    ) throws(CError) -> Int {
        let texts = unsafe paths.map { unsafe strdup($0) }
        let directories = unsafe written.map { unsafe strdup($0) }
        defer {
            unsafe texts.forEach { unsafe free($0) }
            unsafe directories.forEach { unsafe free($0) }
        }
        var error = ce_error()
        let abi = unsafe texts.map { unsafe UnsafePointer($0) }.withUnsafeBufferPointer { paths in
            unsafe directories.map { unsafe UnsafePointer($0) }.withUnsafeBufferPointer { written in
                unsafe ports.withUnsafeBufferPointer { ports in
                    var rules = unsafe ce_landlock_rules(
                        paths: paths.baseAddress, path_count: paths.count, written: written.baseAddress,
                        written_count: written.count, ports: ports.baseAddress, port_count: ports.count)
                    return unsafe ce_landlock_restrict(&rules, &error)
                }
            }
        }
        guard abi >= 0 else { throw CError(error) }
        return Int(abi)
    }
}
