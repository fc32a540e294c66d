import CEvent
import Glibc

/// The process's memory, which holds tokens and keys.
package enum ProcessMemory {
    /// Keeps it out of core dumps, and in a release build from other processes of the same user. A debug build lets debuggers and
    /// the sanitizers' leak checker in.
    package static func keepPrivate() {
        ce_process_keep_private(isRelease)
    }

    #if DEBUG
    private static let isRelease = false
    #else
    private static let isRelease = true
    #endif
}

/// The processors of the machine.
package enum SystemProcessors {
    /// How many the scheduler allows this process.
    package static var allowed: Int { Int(ce_processors()) }
}

/// Why a call into the C module or the system failed, in words for an operator.
package struct CError: Error, CustomStringConvertible {
    package let description: String

    init(_ error: ce_error) {
        description = unsafe withUnsafeBytes(of: error.reason) { reason in
            unsafe String(decoding: reason.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    package init(_ description: String) {
        self.description = description
    }

    /// `what` failed, for the reason that the system gave.
    package init(_ what: String, errno number: Int32) {
        description = "\(what): \(SystemError.text(number))"
    }
}

/// The meanings of the numbers in `errno`.
package enum SystemError {
    package static func text(_ number: Int32) -> String { unsafe String(cString: strerror(number)) }
}
