/// The numbers themselves, in one flat block: worker processes can share it as a mapping.
@EventLoop
@safe final class MetricSlots {
    private nonisolated(unsafe) let slots: UnsafeMutableBufferPointer<UInt64>

    init(count: Int) {
        unsafe slots = .allocate(capacity: count)
        unsafe slots.initialize(repeating: 0)
    }

    deinit {
        unsafe slots.deallocate()
    }

    subscript(_ index: Int) -> UInt64 {
        get {
            precondition(unsafe slots.indices.contains(index))
            return unsafe slots[index]
        }
        set {
            precondition(unsafe slots.indices.contains(index))
            unsafe slots[index] = newValue
        }
    }
}
