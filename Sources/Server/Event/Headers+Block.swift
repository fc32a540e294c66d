internal import CEvent
internal import Hub

extension Headers {
    /// Copies a parsed header block in two pieces: its bytes, and where the fields stand in them.
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
