/// The codes with which the program ends; the names are those of sysexits.h.
enum Exit {
    static let ok: Int32 = 0
    static let failure: Int32 = 1
    static let unavailable: Int32 = 69
    static let config: Int32 = 78
}
