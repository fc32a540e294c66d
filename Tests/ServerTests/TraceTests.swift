@testable import EventIO
import Foundation
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

/// What a trace is called, and what waits to be exported of it.
struct TraceTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"
    private static let good = "00-\(trace)-\(span)-01"

    @Test("traceparent is read as W3C Trace Context writes it, and written so again")
    func reads() throws {
        let parent = try #require(TraceParent(["traceparent": Self.good]))
        #expect(parent.isSampled && parent.span == 0x00f0_67aa_0ba9_02b7)
        #expect(parent.trace == TraceID(high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736))
        #expect(parent.description == Self.good)
        #expect(TraceParent(["Traceparent": "00-\(Self.trace)-\(Self.span)-00"])?.isSampled == false)
        // Of a flag that is not known here nothing is said on, and of a later version what is known is read.
        #expect(TraceParent(["traceparent": "00-\(Self.trace)-\(Self.span)-ff"])?.description == Self.good)
        #expect(TraceParent(["traceparent": "01-\(Self.trace)-\(Self.span)-01-more"])?.description == Self.good)
    }

    @Test(
        "What is none is not read",
        arguments: [
            "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-01-",
            "00-\(trace)-\(span)-01x",
            "ff-\(trace)-\(span)-01", "0g-\(trace)-\(span)-01", "00-00000000000000000000000000000000-\(span)-01",
            "00-\(trace)-0000000000000000-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-\(span)-01",
            "00_\(trace)_\(span)_01",
            "01-\(trace)-\(span)-01more", "00-\(trace)-\(span)-é",
        ])
    func refuses(_ text: String) {
        #expect(TraceParent(["traceparent": text]) == nil)
    }

    @Test("A field that stands there twice is none, even if the two are the same")
    func twice() {
        #expect(TraceParent(["traceparent": Self.good, "Traceparent": Self.good]) == nil)
    }

    fileprivate static func span(named name: String, agent: String, error: String? = nil) -> ByteBuffer {
        let identity = SpanWriter.Identity(
            trace: TraceID(high: 0, low: 1), id: 2, parent: 3, isParentRemote: true, state: "a=b")
        var span = SpanWriter(identity, .server, name: name, start: 5, end: 4)
        span.add("user_agent.original", agent, longest: 16)
        span.add("http.response.status_code", 200)
        return span.finished(error: error)
    }

    private static func json(_ buffer: consuming ByteBuffer) throws -> JSON {
        try JSON.parse(unsafe buffer.withBytes { unsafe Array($0) })
    }

    @Test(
        "A span is JSON whatever is in it, and texts end with a whole character",
        arguments: [
            ("plain", "plain"), ("a\"b\\c\n\u{0}\u{1F}", "a\"b\\c\n\u{0}\u{1F}"),
            ("0123456789abcdefgh", "0123456789abcdef"),
            ("0123456789abcdéf", "0123456789abcdé"), ("0123456789abcdeéf", "0123456789abcde"),
            ("👩\u{200D}👩\u{200D}👧👧", "👩\u{200D}👩\u{200D}"), ("", ""),
        ])
    func escapes(_ text: String, _ shown: String) throws {
        let span = try Self.json(Self.span(named: text, agent: text, error: "x\"y"))
        #expect(span["name"] == .string(text) && span["traceId"] == "00000000000000000000000000000001")
        #expect(span["parentSpanId"] == "0000000000000003" && span["traceState"] == "a=b" && span["flags"] == 769)
        // It does not end before it begins.
        #expect(span["startTimeUnixNano"] == "5" && span["endTimeUnixNano"] == "5")
        #expect(span["status"] == ["code": 2, "message": "x\"y"])
        guard case .array(let attributes)? = span["attributes"] else { return #expect(Bool(false)) }
        let found = attributes[0]["value"]?["stringValue"]?.stringValue ?? ""
        #expect(Array(found.utf8) == Array(shown.utf8))
        #expect(attributes[1] == ["key": "http.response.status_code", "value": ["intValue": "200"]])
    }

    @Test("Each value of the log has one row, and no name stands twice in a format")
    func logFields() {
        #expect(
            Set(LogFields.all.map(\.field)).count == LogField.allCases.count
                && LogFields.all.count == LogField.allCases.count)
        for form in [LogEncoding.json, .ecs, .otel] {
            let names = LogFields.all.compactMap { $0.name(in: form).map { "\($0)" } }
            #expect(Set(names).count == names.count)
            for row in LogFields.all {
                #expect("\(LogNames(form)[row.field])" == row.name(in: form).map { "\($0)" } ?? "")
            }
        }
        // Of each schema's own, or below our name.
        let schemas = [
            "http", "url", "client", "server", "source", "network", "user_agent", "user", "error", "exception", "event",
            "trace", "span", "log", "hubgate",
        ]
        for row in LogFields.all {
            for name in [row.ecs, row.otel].compactMap({ $0.map { "\($0)" } }) {
                let isRoot = [
                    "@timestamp", "timestamp", "message", "body", "severity_text", "trace_id", "span_id", "trace_flags",
                ].contains(name)
                #expect(isRoot || schemas.contains(String(name.prefix { $0 != "." })), "\(name)")
            }
        }
    }

    @Test("The table in docs/observe.md is the table of the log's names")
    func documented() throws {
        let page = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/observe.md"),
            encoding: .utf8)
        for row in LogFields.all {
            let names = [row.json, row.ecs, row.otel].map { $0.map { "`\($0)`" } ?? "-" }
            #expect(page.contains("| \(names.joined(separator: " | ")) | \(row.meaning) |\n"), "\(row.field)")
        }
    }

    @Test(
        "Durations are in each format's own unit",
        arguments: [(LogEncoding.json, "1234567.8"), (.ecs, "1234567890000"), (.otel, "1234.567890")])
    func units(_ form: LogEncoding, _ shown: String) {
        var line = LogLine(form)
        line.add("d", duration: 1_234_567_890)
        #expect(unsafe line.finished().withBytes { unsafe String(decoding: $0, as: UTF8.self) } == "{\"d\":\(shown)}")
    }

    @Test(
        "Times of another gateway are read back as they are written",
        arguments: [0, 951_782_400, 1_709_164_799, 1_709_164_800, 4_102_444_799, 1_795_946_461] as [Int64])
    func times(_ seconds: Int64) {
        #expect(CivilTime.seconds(iso8601: WallClock.iso8601(seconds)) == seconds)
        #expect(CivilTime.seconds(iso8601: "2026-13-01T00:00:00Z") == nil && CivilTime.seconds(iso8601: "x") == nil)
    }
}

/// What waits to be exported.
@Suite(.live)
struct SpanQueueTests {
    @Test("Spans wait in batches, oldest first; what is too much is dropped and counted")
    @EventLoop
    func queue() throws {
        let queue = SpanQueue(opening: Array("[".utf8), closing: Array("]".utf8))
        var (full, dropped) = (0, 0)
        queue.onSpan = { full += $0 ? 1 : 0 }
        queue.onDrop = { dropped += $0 }
        #expect(queue.isEmpty && queue.take() == nil)
        for number in 0..<5000 { queue.append(TraceTests.span(named: "\(number)", agent: "x")) }
        #expect(full == 8 && dropped == 5000 - 4096 && queue.hasFullBatch)
        for batch in 0..<8 {
            let found = try #require(queue.take())
            guard
                case .array(let spans) = try JSON.parse(
                    found.body, within: JSONLimits(bytes: 1 << 22, depth: 8, values: 1 << 20))
            else {
                return #expect(Bool(false))
            }
            #expect(found.count == 512 && spans.count == 512 && spans[0]["name"] == .string("\(batch * 512)"))
        }
        #expect(queue.isEmpty)
        queue.append(TraceTests.span(named: "late", agent: "x"))
        #expect(!queue.isEmpty && !queue.hasFullBatch && queue.take()?.count == 1)
    }
}
