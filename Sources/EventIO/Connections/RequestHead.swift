import CEvent
import HTTP

extension Request {
    /// The request that the request parser accepted. Of a refused one only the reason is known.
    static func read(
        _ passed: UnsafePointer<ce_request>?, _ refused: UnsafePointer<ce_refusal>?
    ) -> (Request, RequestError?) {
        guard let passed = unsafe passed?.pointee else {
            return (
                .unknown,
                unsafe refused.map { unsafe RequestError($0.pointee) } ?? .malformed("The request could not be read.")
            )
        }
        do throws(MalformedTarget) {
            let target = try Target(unsafe passed.head.text(passed.target))
            let method = Method(rawValue: unsafe passed.head.text(passed.method))
            return (Request(method: method, target: target, headers: unsafe Headers(passed.head)), nil)
        } catch {
            return (.unknown, .malformed(error.reason))
        }
    }

    private static var unknown: Request { Request(method: Method(rawValue: "-"), target: .root) }
}

extension String {
    /// The address of the client of an exchange.
    package init(peerOf exchange: OpaquePointer) {
        self = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { text in
            unsafe ce_exchange_peer(exchange, text.baseAddress)
            return unsafe text.baseAddress.map { unsafe String(cString: $0) } ?? ""
        }
    }
}

extension Headers {
    /// Copies a parsed header block in two pieces: its bytes, and the places of the fields in them.
    init(_ block: ce_header_block) {
        let bytes = unsafe UnsafeBufferPointer(start: block.bytes, count: block.length)
        let found = unsafe UnsafeBufferPointer(start: block.fields, count: block.field_count)
        let fields = unsafe found.map { field in
            Field(
                nameStart: field.name.offset, nameLength: field.name.length,
                valueStart: field.value.offset, valueLength: field.value.length)
        }
        unsafe self.init(bytes: Array(bytes), fields: fields)
    }
}

extension ce_header_block {
    /// A part of the block as text.
    func text(_ span: ce_span) -> String {
        let all = unsafe UnsafeBufferPointer(start: bytes, count: length)
        return unsafe String(decoding: all[Int(span.offset)..<Int(span.offset) + Int(span.length)], as: UTF8.self)
    }
}

/// The request parser's rules. A rule's number is its place here, counted from 1; 0 is none.
package enum ParserRules {
    package static let names: [String] = (1..<ce_rule_count()).map { unsafe String(cString: ce_rule_name($0)) }

    package static let bodyTooSlow = (names.firstIndex(of: "body-too-slow") ?? -1) + 1
}
