@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server

/// Lines for the log, in order.
@EventLoop
final class Warnings {
    var lines: [String] = []
}
