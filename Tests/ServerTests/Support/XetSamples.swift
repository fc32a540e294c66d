@testable import HTTP
@testable import Hub
@testable import Server

/// What hf_xet 1.8.0 sent of two small files, to the byte.
enum XetSamples {
    static let text = Array(String(repeating: "ten green bottles, hanging on the wall; ", count: 12).utf8)
    static let textXorb = bytes(
        "0044000001e0010004224d1860408235000000ff1974656e20677265656e20626f74746c65732c2068616e67696e67206f6e20746865"
            + "2077616c6c3b202800ffa06077616c6c3b2000000000")
    static let textXorbHash = "1a46c259f10f787d45aa834d433c1c591ad1387e2f236de2b61b6b3a80394a2e"
    static let textFileHash = "df036fc1872abf017cad7e1e5123bdc3afc4957a8e9ac3414219afe8ccecb932"
    static let textSHA256 = "282efe3df346b9b4127d3d4afcfb0092dd579d98a06169430e532dcd61718fd3"
    static let textShard = bytes(
        "48465265706f4d6574614461746100556967456a7b815783a5bdd95ccdd14aa902000000000000000000000000000000"
            + "01bf2a87c16f03dfc3bd23511e7ead7c41c39a8e7a95c4af32b9eccce8af1942000000c0010000000000000000000000"
            + "7d780ff159c2461a591c3c434d83aa45e26d232f7e38d11a2e4a39803a6b1bb600000000e00100000000000001000000"
            + "2be8c6158f3beb000874d467ff35a84996fe0f729ecf889daa0b90370d759f6b00000000000000000000000000000000"
            + "b4b946f33dfe2e289200fbfc4a3d7d12436961a0989d57ddd38f7161cd2d530e00000000000000000000000000000000"
            + "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00000000000000000000000000000000"
            + "7d780ff159c2461a591c3c434d83aa45e26d232f7e38d11a2e4a39803a6b1bb60000000001000000e001000000000000"
            + "7d780ff159c2461a591c3c434d83aa45e26d232f7e38d11a2e4a39803a6b1bb600000000e00100000000000000000000"
            + "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00000000000000000000000000000000")

    /// 64 numbers of four bytes, and three bytes more.
    static let numbers =
        (0..<64).flatMap { number in
            let bits = (Float(number) / 4).bitPattern
            return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
        } + Array("abc".utf8)
    /// With its bytes grouped.
    static let numbersXorb = bytes(
        "007700000203010004224d18604082680000001f0001002c1f6140002cff3e00620080004080a0c0e0001020304050607080889098a0"
            + "a8b0b8c0c8d0d8e0e8f0f80004080c1014181c2024282c3034383c4044484c5054585c6064686c7074787c63003e3f3f3f3f3f3f40"
            + "400200031f410100066041414141414100000000")

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// A chunk of a xorb.
    static func chunk(_ packed: [UInt8], packing: Int = 0, unpackedLength: Int? = nil, version: UInt8 = 0) -> [UInt8] {
        [version] + littleEndian(packed.count, 3) + [UInt8(packing)]
            + littleEndian(unpackedLength ?? packed.count, 3) + packed
    }

    static func littleEndian(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
