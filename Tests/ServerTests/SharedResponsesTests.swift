@testable import EventIO
import Dispatch
@testable import HTTP
@testable import Hub
@testable import Server
import Synchronization
import Testing

@Suite("Messages that workers share")
struct SharedRingTests {
    private func message(_ number: UInt64, bytes: Int) -> [UInt8] {
        // Each word says which message it is of, so that a mixture of two is seen.
        (0..<bytes).map { index in UInt8(truncatingIfNeeded: number &* 31 &+ UInt64(index / 8) &* 7) }
    }

    @Test(
        "A message is found as it was written, until others are written over it; the last ones always are",
        arguments: [0, 1, 7, 8, 63, 64, 500])
    func roundTrip(length: Int) throws {
        let ring = SharedRing(capacity: 8192, seed: 1)
        var written: [(position: UInt64, message: [UInt8])] = []
        for number in 0..<200 as Range<UInt64> {
            let message = message(number, bytes: length)
            written.append((try #require(ring.append(message)), message))
            #expect(ring.message(at: written[Int(number)].position) == message)
        }
        #expect(zip(written, written.dropFirst()).allSatisfy { $0.position < $1.position })
        #expect(ring.message(at: written[0].position) == nil && !ring.isThere(written[0].position))
        // At most one piece at the end stays empty.
        let kept = written.count { ring.message(at: $0.position) == $0.message }
        #expect(kept >= (8192 - 576) / (length + 96) && kept < 200)
    }

    @Test("What is longer than an eighth of all is not taken")
    func tooLong() throws {
        let ring = SharedRing(capacity: 8192, seed: 1)
        #expect(ring.append([UInt8](repeating: 1, count: ring.longest + 1)) == nil)
        let longest = [UInt8](repeating: 1, count: ring.longest)
        #expect(ring.message(at: try #require(ring.append(longest))) == longest)
    }

    @Test("Of a message in which one byte is another there is nothing, wherever it is")
    func torn() throws {
        let ring = SharedRing(capacity: 4096, seed: 9)
        let message = message(1, bytes: 100)
        let position = try #require(ring.append(message))
        let offset = Int(position % 4096)
        // Its head, but for what is unused, and its content.
        for index in [0, 5, 8, 9, 15, 16, 23, 32, 33, 77, 131] {
            unsafe ring.memory.advanced(by: offset + index).withMemoryRebound(to: UInt8.self, capacity: 1) {
                unsafe $0.pointee ^= 4
            }
            #expect(ring.message(at: position) == nil, "\(index)")
            unsafe ring.memory.advanced(by: offset + index).withMemoryRebound(to: UInt8.self, capacity: 1) {
                unsafe $0.pointee ^= 4
            }
        }
        #expect(ring.message(at: position) == message)
    }

    @Test(
        "Where nothing was written there is nothing", arguments: [0, 64, 4096, 4097, 8192, UInt64.max, UInt64.max - 63])
    func nowhere(position: UInt64) {
        #expect(SharedRing(capacity: 4096, seed: 0).message(at: position) == nil)
    }

    @Test("Threads that write and read at once never find what nobody has written")
    func threads() {
        let ring = SharedRing(capacity: 16_384, seed: 3)
        let places = SharedWords(count: 8)
        let found = Atomic<Int>(0)
        let wrong = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for round in 0..<1500 {
                let number = UInt64(thread * 10_000 + round)
                let length = 8 + (round * 37 + thread * 11) % 900
                guard let position = ring.append(number.littleEndianBytes + message(number, bytes: length)) else {
                    continue
                }
                places.store(thread, position)
                // What another wrote last, which may be overwritten while it is read.
                guard let other = ring.message(at: places.load((thread + 1 + round) % 8)) else { continue }
                found.add(1, ordering: .relaxed)
                let name = UInt64(littleEndianBytes: Array(other.prefix(8)))
                if other != name.littleEndianBytes + message(name, bytes: other.count - 8) {
                    wrong.add(1, ordering: .relaxed)
                }
            }
        }
        #expect(found.load(ordering: .relaxed) > 100 && wrong.load(ordering: .relaxed) == 0)
    }
}

@Suite("Responses that workers share", .live)
struct SharedResponsesTests {
    private let epochs = WriteEpochs()

    @EventLoop
    private func key(_ number: UInt64) -> SharedKey {
        var generator = SplitMix(seed: number)
        return SharedKey(words: SIMD4(generator.next(), generator.next(), generator.next(), generator.next()))
    }

    @EventLoop
    private func response(_ content: String, asked: UInt64 = 5, fields: Headers = [:]) throws -> CachedResponse {
        let recorded = RecordedResponse(
            status: .ok, headers: fields, length: content.utf8.count, content: Array(content.utf8))
        return try #require(
            CachedResponse(
                recorded, lifetime: .moving, validators: .init(etag: "\"e\""), mark: epochs.mark(nil),
                to: Request(method: .get, target: Target("/api/models/a"), headers: ["X-A": "1"], body: []),
                asked: MonotonicInstant(nanoseconds: asked)))
    }

    @EventLoop
    private func content(_ response: CachedResponse?) -> String? {
        response.map { String(decoding: $0.response.content, as: UTF8.self) }
    }

    @Test("All that is known of a response comes back")
    @EventLoop
    func record() throws {
        var fields: Headers = [
            "Vary": "X-A", "Content-Type": "text/plain", "X-Gone": "secret", "Age": "7",
            "Cache-Control": "s-maxage=9, no-cache",
        ]
        fields.append("X-Odd", "\u{FFFD}")
        fields.remove("X-Gone")
        let kept = try response("text", fields: fields)
        var reader = ByteReader(kept.record)
        let back = try #require(CachedResponse(from: &reader))
        #expect(content(back) == "text" && back.response.headers == kept.response.headers && back.response.length == 4)
        #expect(
            back.asked == kept.asked && back.mark == kept.mark && back.lifetime == kept.lifetime
                && back.freshness == kept.freshness)
        #expect(
            back.validators.etag == "\"e\"" && back.validators.lastModified == nil && back.asksAlways
                && !back.mayBeStale)
        for (value, fits) in [("1", true), ("2", false)] {
            #expect(back.fits(Request(method: .get, target: .root, headers: ["X-A": value], body: [])) == fits)
        }
        // What was removed from the fields does not go from worker to worker.
        #expect(kept.record.span.indices.count > 0 && !String(decoding: kept.record, as: UTF8.self).contains("secret"))
    }

    @Test("What is cut off, or has something behind it, is no record")
    @EventLoop
    func damaged() throws {
        let record = try response("text", fields: ["Vary": "X-A", "X-B": "b"]).record
        for length in 0..<record.count {
            var reader = ByteReader(Array(record.prefix(length)))
            #expect(CachedResponse(from: &reader) == nil, "\(length)")
        }
        var reader = ByteReader(record + [0])
        #expect(CachedResponse(from: &reader) == nil)
    }

    @Test(
        "A response is found by its key alone, what was asked later takes its place, and what was asked before does not"
    )
    @EventLoop
    func keys() throws {
        let shared = SharedResponses(bytes: 1 << 20)
        for number in 0..<100 as Range<UInt64> { shared.keep(try response("\(number)"), for: key(number)) }
        #expect((0..<100 as Range<UInt64>).allSatisfy { content(shared.find(key($0))) == "\($0)" })
        #expect(shared.find(key(100)) == nil)
        shared.keep(try response("later", asked: 6), for: key(1))
        #expect(content(shared.find(key(1))) == "later")
        shared.keep(try response("before", asked: 4), for: key(1))
        let found = try #require(shared.find(key(1)))
        #expect(content(found) == "later")
        // Who has it already need not read it.
        #expect(shared.find(key(1), but: found.sharedPlace) == nil)
        shared.forget(key(1))
        #expect(shared.find(key(1)) == nil && content(shared.find(key(2))) == "2")
    }

    @Test("When it is full the oldest go")
    @EventLoop
    func full() throws {
        let shared = SharedResponses(bytes: 64 << 10)
        for number in 0..<500 as Range<UInt64> {
            shared.keep(try response("\(number) " + String(repeating: "x", count: 1000)), for: key(number))
            #expect(content(shared.find(key(number)))?.hasPrefix("\(number) ") == true)
        }
        let left = (0..<500 as Range<UInt64>).filter { shared.find(key($0)) != nil }
        // Few of the newest have no place in the index.
        #expect(left.count > 30 && left.count < 64 && left.allSatisfy { $0 >= 436 })
    }

    @Test(
        "The same for the same credential alone, whatever numbers a worker gives its tokens, and the same for the same settings"
    )
    @EventLoop
    func partitions() throws {
        func shared(_ principal: Principal, _ partition: CachePartition, xet: XetChoice = .carry, host: String = "gate")
            throws -> SharedKey
        {
            var settings = Settings()
            settings.xet = xet
            let request = Request(method: .get, target: try Target("/api/models/a"), headers: ["Host": host], body: [])
            let key = CacheKey(request, to: request.target, in: partition, forwarded: nil, shape: 3)
            return SharedKey(key, by: principal, partition, ResponseShape(settings))
        }
        func gateway(_ token: String, _ number: Int) throws -> SharedKey {
            let partition = CachePartition.gateway(token: number)
            return try shared(
                Principal(
                    authority: .gateway(Credential(token)), partition: partition, account: partition, isAmbient: false),
                partition)
        }
        func client(_ token: String?) throws -> SharedKey {
            let credential = token.flatMap { Credential($0) }
            let partition = CachePartition.client(credential)
            return try shared(
                Principal(authority: .client(credential), partition: partition, account: partition, isAmbient: false),
                partition)
        }
        #expect(try gateway("Bearer hf_a", 0) == gateway("Bearer hf_a", 5))
        let all = try [
            gateway("Bearer hf_a", 0), gateway("Bearer hf_b", 0), client("Bearer hf_a"), client("Bearer hf_b"),
            client("Basic hf_a"), client(nil),
            shared(.anonymous, .client(nil), xet: .hide), shared(.anonymous, .client(nil), host: "other"),
            shared(.anonymous, .key(1, token: 0)), shared(.anonymous, .named("hf_a", token: 0)),
        ]
        for (index, key) in all.enumerated() { #expect(!all[..<index].contains(key), "\(index)") }
        #expect(try client(nil) == shared(.anonymous, .client(nil)))
    }
}

@Suite("Calls that workers claim")
struct CallClaimsTests {
    private func isOwn(_ answer: CallClaims.Answer) -> Bool { if case .own = answer { true } else { false } }

    @Test("A call is claimed by one worker until it lets go of it, or has died")
    func claims() throws {
        let claims = CallClaims()
        guard case .own(let claim) = claims.claim(77, worker: 1) else { return #expect(Bool(false), "nobody has it") }
        guard case .others(let other) = claims.claim(77, worker: 2) else {
            return #expect(Bool(false), "it is claimed")
        }
        #expect(claim == other && claims.isHeld(other))
        #expect(isOwn(claims.claim(78 << 24, worker: 2)))
        claims.release(claim)
        #expect(!claims.isHeld(other) && isOwn(claims.claim(77, worker: 2)))
        // It lets go of its own alone.
        claims.release(claim)
        #expect(!isOwn(claims.claim(77, worker: 1)))
        claims.clear(worker: 1)
        #expect(!isOwn(claims.claim(77, worker: 1)))
        claims.clear(worker: 2)
        #expect(isOwn(claims.claim(77, worker: 1)))
    }

    @Test("A claim that is older than any call counts for nothing", arguments: [0, 4_090_000, 4_095_999])
    func ages(milliseconds: UInt64) {
        let claims = CallClaims()
        let began = MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
        guard case .own(let claim) = claims.claim(5, worker: 1, at: began) else { return #expect(Bool(false)) }
        #expect(claims.isHeld(claim, at: began.advanced(milliseconds: 59_000)))
        #expect(!isOwn(claims.claim(5, worker: 2, at: began.advanced(milliseconds: 59_000))))
        #expect(!claims.isHeld(claim, at: began.advanced(milliseconds: 62_000)))
        #expect(isOwn(claims.claim(5, worker: 2, at: began.advanced(milliseconds: 62_000))))
    }

    @Test("Where there is no room the call is nobody's, and there is room again")
    func full() {
        let claims = CallClaims()
        // Of the same row, and different.
        let digests = (1...9 as ClosedRange<UInt64>).map { $0 << 30 }
        let answers = digests.map { claims.claim($0, worker: 1) }
        #expect(answers.count { isOwn($0) } == 8)
        guard case .unclaimed = answers[8] else { return #expect(Bool(false), "there is no room") }
        if case .own(let claim) = answers[3] { claims.release(claim) }
        #expect(isOwn(claims.claim(digests[8], worker: 2)))
    }

    @Test("Of threads that claim the same call at once hardly ever two get it, and never more")
    func threads() {
        let claims = CallClaims()
        let inside = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        let got = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for round in 0..<3000 {
                // Another call comes and goes in the same row.
                if thread == 0, case .own(let other) = claims.claim(UInt64(round + 1) << 30, worker: 9) {
                    claims.release(other)
                }
                guard case .own(let claim) = claims.claim(1 << 20, worker: thread + 1) else { continue }
                got.add(1, ordering: .relaxed)
                most.max(inside.add(1, ordering: .sequentiallyConsistent).newValue, ordering: .relaxed)
                inside.subtract(1, ordering: .sequentiallyConsistent)
                claims.release(claim)
            }
        }
        #expect(got.load(ordering: .relaxed) > 0 && most.load(ordering: .relaxed) <= 2)
    }
}

@Suite("Calls of other workers", .live)
struct WorkerCallsTests {
    @EventLoop
    private func write(_ word: UInt64) throws -> CacheWrite {
        let epochs = WriteEpochs()
        let metrics = Metrics()
        let request = Request(method: .get, target: try Target("/api/models/a"), headers: [:], body: [])
        let key = CacheKey(request, to: request.target, in: .client(nil), forwarded: nil, shape: 0)
        return CacheWrite(
            to: ResponseCache(Settings(), epochs: epochs, metrics: metrics), key,
            SharedKey(words: SIMD4(1, 2, word, 4)), .moving,
            mark: epochs.mark(nil), seen: nil, stale: nil, isShared: true, .uriMiss, asked: .now)
    }

    @Test(
        "Who waits for a call of another worker is told when it ends, and when it takes too long",
        arguments: [true, false])
    @EventLoop
    func waits(ends: Bool) async throws {
        let claims = CallClaims()
        let (one, other) = (WorkerCalls(claims, worker: 1), WorkerCalls(claims, worker: 2, longest: ends ? 60_000 : 20))
        var held: WorkerCalls.Own?
        if case .own(let own) = one.claim(try write(3)) { held = own }
        #expect(held != nil)
        guard case .others(let claim) = other.claim(try write(3)) else { return #expect(Bool(false), "it is claimed") }
        // Of another call nothing is known.
        guard case .own = other.claim(try write(5)) else { return #expect(Bool(false), "another call") }
        var told = 0
        let contexts = (0..<20).map { _ in RequestContext(id: .next(), address: "") }
        for context in contexts { other.wait(claim, context) { told += 1 } }
        contexts[0].cancel()
        for _ in 0..<2000 where told < 1 { await EventLoop.sleep(milliseconds: 1) }
        #expect(!ends || told == 1)
        if ends { held = nil }
        for _ in 0..<2000 where told < 20 { await EventLoop.sleep(milliseconds: 1) }
        #expect(told == 20 && contexts.allSatisfy { $0.onCancel == nil || $0.isCancelled })
        _ = held
    }
}
