@testable import EventIO
import Foundation
@testable import HTTP
@testable import Hub
@testable import Server
import Synchronization

/// A server that speaks whatever bytes a test wants, in plain TCP, for answers that a listener of ours would never give.
/// Each connection is served by a thread of its own, which never touches the loop.
final class RawHub: Sendable {
    let port: UInt16
    private let descriptor: Int32
    private let journal = Journal()

    /// How many connections have been made, and how many request heads have been read.
    var connectionCount: Int { journal.connections.withLock { $0 } }
    var requestCount: Int { journal.requests.withLock { $0 } }

    /// `serve` gets each connection with its number, from 0, and returns when it shall be closed.
    init(_ serve: @escaping @Sendable (RawConnection, Int) -> Void) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let isListening = unsafe withUnsafeMutablePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isListening else { throw POSIXError(.EADDRNOTAVAIL) }
        let journal = self.journal
        startThread {
            while true {
                let accepted = accept(descriptor, nil, nil)
                guard accepted >= 0 else { return }
                let number = journal.connections.withLock { count in
                    count += 1
                    return count - 1
                }
                startThread {
                    serve(RawConnection(accepted, journal), number)
                    Glibc.close(accepted)
                }
            }
        }
    }

    /// One that answers each request on a connection with the same bytes; `closes` after each.
    convenience init(_ answer: String, closes: Bool = true) throws {
        try self.init { connection, _ in
            while connection.readHead() != nil {
                connection.write(answer)
                if closes { return }
            }
        }
    }

    /// Unlike a Hub, in clear.
    var origin: HubOrigin {
        HubOrigin(
            base: "http://127.0.0.1:\(port)", trust: .system, token: try? Secret(Array(FakeHub.token.utf8)))
    }

    func close() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        Glibc.close(descriptor)
    }

    final class Journal: Sendable {
        let connections = Mutex(0)
        let requests = Mutex(0)
    }
}

/// One connection of a `RawHub`.
struct RawConnection: Sendable {
    private let descriptor: Int32
    private let journal: RawHub.Journal

    init(_ descriptor: Int32, _ journal: RawHub.Journal) {
        self.descriptor = descriptor
        self.journal = journal
    }

    /// Reads up to the empty line of a request's head and returns the head; nil when the peer closes.
    /// A body is not read, except as far as it came along.
    func readHead() -> String? {
        var head: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe part.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { return nil }
            head += part[..<count]
            let text = String(decoding: head, as: UTF8.self)
            if text.contains("\r\n\r\n") {
                journal.requests.withLock { $0 += 1 }
                return text
            }
        }
    }

    func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    func pause(milliseconds: UInt32) {
        usleep(milliseconds * 1000)
    }
}
