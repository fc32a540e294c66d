extension StateRecord {
    /// Takes as many of the first elements as fit one record, each of `size` bytes.
    static func takeFitting<Element>(_ rest: inout ArraySlice<Element>, size: (Element) -> Int) -> [Element] {
        var room = longest
        let fitting = rest.prefix { element in
            room -= size(element)
            return room >= 0
        }
        rest = rest.dropFirst(fitting.count)
        return Array(fitting)
    }
}
