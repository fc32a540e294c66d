@testable import Server

/// Lines for the log, in order.
@EventLoop
final class Warnings {
    var lines: [String] = []
}
