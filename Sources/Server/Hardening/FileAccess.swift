internal import Glibc

/// Whether this process, as the user that it is, can read a file.
enum FileAccess {
    /// Why not, in words for an operator; nil if it can.
    static func denial(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor < 0 else {
            close(descriptor)
            return nil
        }
        return reason(errno, path)
    }

    /// What `number`, the system's error for opening `path` to read it, means here.
    static func reason(_ number: Int32, _ path: String) -> String {
        guard number == EACCES else {
            guard let text = unsafe strerror(number) else { return "error \(number)" }
            return unsafe String(cString: text)
        }
        // The user's rights suffice, so it is Landlock that refuses.
        if unsafe access(path, R_OK) == 0 {
            return "it is in no directory that the settings named at the start, and sandboxing has closed all others; "
                + "restart to use it"
        }
        return "Permission denied for the user \(UserAccount.currentName)"
    }
}
