/// A number and the unit behind it: `10s`, `64KiB`.
struct Quantity: Equatable {
    let number: Int
    let unit: Substring

    /// Nil when the text does not begin with digits, or the number is too large.
    init?(_ text: String) {
        let end = text.firstIndex { !("0"..."9").contains($0) } ?? text.endIndex
        guard let number = Int(text[..<end]) else { return nil }
        self.number = number
        unit = text[end...]
    }

    /// The number in the smallest unit; nil when that is too large to count.
    func counted(in size: Int) -> Int? {
        let (product, overflow) = number.multipliedReportingOverflow(by: size)
        return overflow ? nil : product
    }
}
