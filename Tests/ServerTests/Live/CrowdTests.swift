@testable import EventIO
import Foundation
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// Many clients at once, clients that leave, and the end of it all.
@Suite("Many requests and the last one", .live)
struct CrowdTests {
    private static let order: JSON = ["type": "model", "name": "a/b"]

    @Test("Two hundred calls by name are served at once, and the loop starts no thread for them")
    @EventLoop func oneThread() async throws {
        let door = Door()
        let hub = try FakeHub { exchange, _ in
            await door.opened()
            exchange.send(Response(.ok, text: "OK"))
        }
        defer { hub.close() }
        try await withGateway(hub.origin(host: "localhost"), byName: true) { gateway in
            // A thread inherits the name of the one that starts it. The pools that run the other tests name theirs, but not at once:
            // hence a few are let pass here. The contract tests count those of the program to the last one.
            var seen: Set<String> = []
            var statuses: [Int] = []
            let calls = (0..<200).map { _ in
                EventLoop.task {
                    let reply = try? await gateway.client.send(.delete, "/api/repo", json: Self.order)
                    statuses.append(reply?.status ?? 0)
                }
            }
            #expect(
                await eventually(within: 20) {
                    seen.formUnion(threads())
                    return hub.requests.count == 200
                })
            door.open()
            for call in calls { await call.value }
            #expect(statuses == Array(repeating: 200, count: 200))
            #expect(seen.union(threads()).count <= 4)
            #expect(gateway.logLines().count == 200)
        }
    }

    @Test("A client that hangs up during a call to the Hub cancels it")
    @EventLoop func hangUp() async throws {
        let door = Door()
        defer { door.open() }
        let hub = try FakeHub { exchange, _ in
            await door.opened()
            exchange.abort()
        }
        try await withGateway(hub) { gateway in
            let call = EventLoop.task { _ = try? await gateway.client.send(.delete, "/api/repo", json: Self.order) }
            #expect(await eventually { hub.requests.count == 1 })
            #expect(hub.goneCount == 0)
            call.cancel()
            #expect(await eventually(within: 5) { hub.goneCount == 1 })
            #expect(await eventually { gateway.server.state.drainState.inFlight == 0 })
            let lines = gateway.logLines()
            #expect(lines.count == 1)
            #expect(lines.first?.contains(#""status":499"#) == true)
            #expect(lines.first?.contains(#""end":"cut""#) == true)
        }
    }

    @Test("A client that leaves does not take the shared account call with it")
    @EventLoop func hangUpShared() async throws {
        let door = Door()
        let hub = try FakeHub { exchange, _ in
            await door.opened()
            exchange.send(.whoAmI)
        }
        try await withGateway(hub) { gateway in
            let leaves = EventLoop.task { _ = try? await gateway.client.get("/api/account") }
            #expect(await eventually { hub.requests.count == 1 })
            var status = 0
            let stays = EventLoop.task { status = (try? await gateway.client.get("/api/account").status) ?? 0 }
            #expect(await eventually { gateway.server.state.drainState.inFlight == 2 })
            leaves.cancel()
            await leaves.value
            door.open()
            await stays.value
            #expect(status == 200)
            #expect(hub.requests.count == 1)
        }
    }

    @Test("A stop lets requests in flight finish, closes idle connections and accepts no new ones")
    @EventLoop func drain() async throws {
        let door = Door()
        let hub = try FakeHub { exchange, _ in
            await door.opened()
            exchange.send(Response(.ok, text: "OK"))
        }
        try await withGateway(hub) { gateway in
            let authority = try TestCertificates.shared.get().authority
            let base = "https://127.0.0.1:\(gateway.server.port)"
            let idle = try TestClient(base: base, authority: authority)
            defer { idle.close() }
            #expect(try await idle.get("/-/health").status == 200)
            var replies: [TestClient.Reply] = []
            let calls = (0..<5).map { _ in
                EventLoop.task {
                    if let reply = try? await gateway.client.send(.delete, "/api/repo", json: Self.order) {
                        replies.append(reply)
                    }
                }
            }
            #expect(await eventually { hub.requests.count == 5 })
            #expect(gateway.server.connectionCount == 6)
            var isStopped = false
            let stop = EventLoop.task {
                await gateway.stop()
                isStopped = true
            }
            #expect(await eventually { gateway.server.connectionCount == 5 })
            let late = try TestClient(base: base, authority: authority)
            defer { late.close() }
            await #expect(throws: Failure.self) { try await late.get("/-/health") }
            #expect(!isStopped)
            door.open()
            for call in calls { await call.value }
            await stop.value
            #expect(replies.map(\.status) == Array(repeating: 200, count: 5))
            #expect(replies.allSatisfy { $0.headers["Connection"] == "close" })
        }
    }

    @Test("A stop does not wait for longer than it may; what is still under way is cut")
    @EventLoop func drainLimit() async throws {
        let door = Door()
        defer { door.open() }
        let hub = try FakeHub { exchange, _ in
            await door.opened()
            exchange.abort()
        }
        try await withGateway(hub, { $0.drainTimeout = .milliseconds(200) }) { gateway in
            var failures: [Failure] = []
            let calls = [HTTP.Method.delete, .get].map { method in
                EventLoop.task {
                    do throws(Failure) {
                        if method == .get {
                            _ = try await gateway.client.get("/api/account")
                        } else {
                            _ = try await gateway.client.send(method, "/api/repo", json: Self.order)
                        }
                    } catch {
                        failures.append(error)
                    }
                }
            }
            #expect(await eventually { hub.requests.count == 2 })
            let started = MonotonicInstant.now
            await gateway.stop()
            #expect(MonotonicInstant.now.microseconds(since: started) < 10_000_000)
            for call in calls { await call.value }
            #expect(failures.map(\.kind) == [.hubBroken, .hubBroken])
            #expect(await eventually { hub.goneCount == 2 })
            let lines = gateway.logLines()
            #expect(lines.count == 2 && lines.allSatisfy { $0.contains(#""end":"cut""#) })
        }
    }

    @Test("An idle gateway stops at once")
    @EventLoop func idleStop() async throws {
        try await withSandbox { gateway, _ in
            let started = MonotonicInstant.now
            await gateway.stop()
            #expect(MonotonicInstant.now.microseconds(since: started) < 5_000_000)
            #expect(gateway.server.connectionCount == 0)
        }
    }

    /// The threads that the loop's thread has started, and itself.
    private func threads() -> Set<String> {
        // One that ends while it is looked at makes the listing fail; the next look will do.
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return Set(
            tasks.filter { task in
                let name = try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)
                return name == TestLoop.threadName + "\n"
            })
    }
}
