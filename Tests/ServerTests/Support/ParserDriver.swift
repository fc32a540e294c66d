import CEvent
@testable import EventIO
@testable import HTTP
@testable import Hub

/// A `ce_request_parser` and what it said. Bodies are joined, so that it does not matter in how many pieces they came.
@safe final class ParserDriver {
    struct Field: Equatable {
        var name: String
        var value: String
    }

    struct Head: Equatable {
        var method: String
        var target: String
        var fields: [Field]
        var framing: UInt32
        var length: UInt64
        var isHTTP10: Bool
        var closes: Bool
        var expectsContinue: Bool
    }

    enum Event: Equatable {
        case head(Head)
        case body([UInt8])
        case end
        case refused(status: Int, rule: String)
    }

    static let usualLimits = ce_request_parser_limits(
        head_bytes: 65_536, target_bytes: 8_192, fields: 100, chunk_line_bytes: 256)

    let gate: OpaquePointer
    private(set) var events: [Event] = []
    /// Like a server, read nothing after a request that closes.
    var stopsAtClose = false
    private var isStopped = false

    init(limits: ce_request_parser_limits = usualLimits) {
        var limits = limits
        guard let gate = unsafe ce_request_parser_new(&limits) else { preconditionFailure("no memory") }
        unsafe self.gate = gate
    }

    deinit {
        unsafe ce_request_parser_free(gate)
    }

    var isIdle: Bool { unsafe ce_request_parser_is_idle(gate) }

    func trim() { unsafe ce_request_parser_trim(gate) }

    /// Feeds the bytes until the request parser wants more; false when a promise of the interface is broken.
    func feed(_ bytes: ArraySlice<UInt8>) -> Bool {
        unsafe bytes.withUnsafeBufferPointer { unsafe feed($0) }
    }

    private func feed(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var rest = unsafe bytes
        while !isStopped {
            var consumed = 0
            let event = unsafe ce_request_parser_feed(gate, rest.baseAddress, rest.count, &consumed)
            guard consumed <= rest.count else { return false }
            switch event {
            case CE_PARSER_MORE:
                return consumed == rest.count
            case CE_PARSER_HEAD:
                events.append(.head(head()))
            case CE_PARSER_BODY:
                guard unsafe note(body: ce_request_parser_body(gate), of: rest, consumed: consumed) else {
                    return false
                }
            case CE_PARSER_END:
                noteEnd()
            default:
                guard consumed == 0 else { return false }
                noteRefusal()
            }
            unsafe rest = UnsafeBufferPointer(rebasing: rest[consumed...])
        }
        return true
    }

    private func note(body span: ce_span, of bytes: UnsafeBufferPointer<UInt8>, consumed: Int) -> Bool {
        let end = Int(span.offset) + Int(span.length)
        guard span.length > 0, end <= consumed else { return false }
        let piece = unsafe bytes[Int(span.offset)..<end]
        if case .body(let before)? = events.last {
            unsafe events[events.count - 1] = .body(before + piece)
        } else {
            unsafe events.append(.body(Array(piece)))
        }
        return true
    }

    private func noteEnd() {
        events.append(.end)
        let heads = events.compactMap { event -> Head? in if case .head(let head) = event { head } else { nil } }
        isStopped = stopsAtClose && heads.last?.closes == true
    }

    private func noteRefusal() {
        let refusal = unsafe ce_request_parser_refusal(gate)
        unsafe events.append(.refused(status: Int(refusal.status), rule: String(cString: refusal.rule)))
        isStopped = true
    }

    private func head() -> Head {
        let request = unsafe ce_request_parser_request(gate).pointee
        let block = unsafe request.head
        let bytes = unsafe UnsafeBufferPointer(start: block.bytes, count: block.length)
        func text(_ span: ce_span) -> String {
            unsafe String(decoding: bytes[Int(span.offset)..<Int(span.offset + span.length)], as: UTF8.self)
        }
        let fields = unsafe UnsafeBufferPointer(start: block.fields, count: block.field_count)
        return unsafe Head(
            method: text(request.method),
            target: text(request.target),
            fields: fields.map { Field(name: text($0.name), value: text($0.value)) },
            framing: UInt32(request.framing.rawValue),
            length: request.content_length,
            isHTTP10: request.http_1_0,
            closes: request.close,
            expectsContinue: request.expects_continue
        )
    }
}

extension ParserDriver {
    /// What a fresh gate says of `bytes` fed in pieces that end at `cuts`; nil when a promise is broken.
    static func events(
        of bytes: [UInt8], cutAt cuts: [Int] = [], limits: ce_request_parser_limits = usualLimits,
        stopsAtClose: Bool = false
    ) -> [Event]? {
        let driver = ParserDriver(limits: limits)
        driver.stopsAtClose = stopsAtClose
        var start = 0
        for cut in cuts + [bytes.count] {
            guard driver.feed(bytes[start..<cut]) else { return nil }
            start = cut
        }
        return driver.events
    }

    static func events(of text: String, limits: ce_request_parser_limits = usualLimits) -> [Event]? {
        events(of: Array(text.utf8), limits: limits)
    }

    /// The refusal that `text` meets, whatever passed before it.
    static func refusal(of text: String, limits: ce_request_parser_limits = usualLimits) -> String? {
        guard case .refused(let status, let rule)? = events(of: text, limits: limits)?.last else { return nil }
        return "\(status) \(rule)"
    }

    static func heads(of text: String, limits: ce_request_parser_limits = usualLimits) -> [Head] {
        (events(of: text, limits: limits) ?? []).compactMap { if case .head(let head) = $0 { head } else { nil } }
    }
}
