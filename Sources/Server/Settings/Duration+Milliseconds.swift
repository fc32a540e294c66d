extension Duration {
    /// Whole milliseconds, as the C module counts; 0 for "off".
    var milliseconds: UInt32 {
        UInt32(clamping: Int64(self / .milliseconds(1)))
    }
}
