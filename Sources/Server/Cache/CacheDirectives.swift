import HTTP

/// What `Cache-Control` says, as far as a shared cache has to know (RFC 9111 section 5.2). In a request, `Pragma: no-cache` counts where there
/// is no `Cache-Control`; in a response, `CDN-Cache-Control` (RFC 9213) counts besides, where it asks for more care.
struct CacheDirectives {
    private(set) var noCache = false
    private(set) var noStore = false
    private(set) var isPrivate = false
    private(set) var onlyIfCached = false
    /// A stale response must not be given out before the Hub has validated it (RFC 9111 sections 5.2.2.2, 5.2.2.8, 5.2.2.10).
    private(set) var mustRevalidate = false
    private var ownMaxAge: Int?
    private var sharedMaxAge: Int?
    private var targetedMaxAge: Int?

    /// In seconds. Of a response: for how long it is fresh, where it says so.
    var maxAge: Int? {
        guard let age = sharedMaxAge ?? ownMaxAge else { return targetedMaxAge }
        return min(age, targetedMaxAge ?? age)
    }

    init(request headers: Headers) {
        if headers.contains("Cache-Control") {
            read("Cache-Control", of: headers)
        } else if headers.contains("Pragma") {
            noCache = headers.mentions("no-cache", in: "Pragma")
        }
    }

    init(response headers: Headers) {
        if headers.contains("Cache-Control") { read("Cache-Control", of: headers) }
        guard headers.contains("CDN-Cache-Control") else { return }
        let (own, shared) = (ownMaxAge, sharedMaxAge)
        (ownMaxAge, sharedMaxAge) = (nil, nil)
        read("CDN-Cache-Control", of: headers)
        (ownMaxAge, sharedMaxAge, targetedMaxAge) = (own, shared, sharedMaxAge ?? ownMaxAge)
    }

    /// In bytes. A longer value is an attempt to keep the loop busy.
    private static let longest = 1024

    private mutating func read(_ name: String, of headers: Headers) {
        let values = headers.values(of: name)
        guard values.reduce(0, { $0 + $1.utf8.count }) <= Self.longest else {
            (noCache, noStore) = (true, true)
            return
        }
        for value in values {
            for member in Self.members(of: Array(value.utf8)) { take(member) }
        }
    }

    /// The parts between commas, except commas in quoted strings.
    private static func members(of value: [UInt8]) -> [ArraySlice<UInt8>] {
        var (members, start, isQuoted, isEscaped): ([ArraySlice<UInt8>], Int, Bool, Bool) = ([], 0, false, false)
        for (index, byte) in value.enumerated() {
            switch byte {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isQuoted: isEscaped = true
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted:
                members.append(value[start..<index])
                start = index + 1
            default: break
            }
        }
        return members + [value[start...]]
    }

    private mutating func take(_ member: ArraySlice<UInt8>) {
        let equals = member.firstIndex(of: UInt8(ascii: "="))
        let name = String(decoding: member[..<(equals ?? member.endIndex)].trimmingOWS(), as: UTF8.self).lowercased()
        let argument = equals.map { member[($0 + 1)...].trimmingOWS() }
        switch name {
        case "no-cache": noCache = true
        case "no-store": noStore = true
        case "private": isPrivate = true
        case "only-if-cached": onlyIfCached = true
        case "must-revalidate", "proxy-revalidate": mustRevalidate = true
        case "max-age": ownMaxAge = Self.least(ownMaxAge, argument)
        case "s-maxage":
            sharedMaxAge = Self.least(sharedMaxAge, argument)
            mustRevalidate = true
        default: break
        }
    }

    /// An argument that is no number makes the response stale at once (RFC 9111 section 4.2.1).
    private static func least(_ present: Int?, _ argument: ArraySlice<UInt8>?) -> Int {
        var digits = argument ?? []
        if digits.count > 2, digits.first == UInt8(ascii: "\""), digits.last == UInt8(ascii: "\"") {
            digits = digits.dropFirst().dropLast()
        }
        return min(present ?? .max, DeltaSeconds.read(digits) ?? 0)
    }
}

/// Numbers of seconds in header fields (RFC 9111 section 1.2.2).
enum DeltaSeconds {
    /// Larger numbers are taken as this one.
    static let most = 1 << 31

    /// Nil for text that is no number, or a negative one.
    static func read(_ digits: some Collection<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        var number = 0
        for digit in digits { number = min(most, number * 10 + Int(digit - 0x30)) }
        return number
    }
}
