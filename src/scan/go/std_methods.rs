//! The methods that the standard library may call on any value, for its interfaces ask for them.

/// The exported methods of the interfaces in the standard library, sorted. Source: a listing of Go 1.19 with `go/parser`
/// (without `internal`, `vendor` and `cmd`), and the release notes of 1.21 to 1.25 (`log/slog`, `encoding`, `hash`, `io/fs`).
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "Accept", "Add", "Addr", "AddressSize", "AdjustStream", "Align", "Alignof", "AppendBinary", "AppendText",
    "AppendUint16", "AppendUint32", "AppendUint64", "As", "AssignableTo", "At", "BaseContext", "Basic", "Begin",
    "BeginTx", "Bits", "BlockSize", "Bounds", "Bytes", "CancelRequest", "ChanDir", "CheckCorpus", "CheckNamedValue",
    "Cleanup", "Clone", "Close", "CloseConn", "CloseIdleConnections", "CloseNotify", "CloseStream", "CloseWrite",
    "ColorIndexAt", "ColorModel", "ColumnConverter", "ColumnTypeDatabaseTypeName", "ColumnTypeLength",
    "ColumnTypeNullable", "ColumnTypePrecisionScale", "ColumnTypeScanType", "Columns", "CombinedMult", "Commit",
    "Common", "Comparable", "Compose", "Connect", "ConnectionState", "ConstantTimeSum", "Control", "Convert",
    "ConvertValue", "ConvertibleTo", "Cookies", "CoordinateFuzzing", "Copy", "CrashPath", "CryptBlocks", "CurveID",
    "DataStart", "Deadline", "Decompose", "Decrypt", "Done", "Double", "Draw", "Driver", "Elem", "Enabled",
    "Encode", "Encrypt", "End", "Equal", "Err", "Error", "Errorf", "Eval", "ExactString", "Exec", "ExecContext",
    "Exported", "F", "Fail", "FailNow", "Failed", "Fatal", "Fatalf", "Field", "FieldAlign", "FieldByIndex",
    "FieldByName", "FieldByNameFunc", "Flag", "Flush", "Format", "Framer", "Generate", "Get", "GetClientConn",
    "Glob", "GoString", "GobDecode", "GobEncode", "Handle", "HasNextResultSet", "HashFunc", "Header",
    "HeaderBlockFragment", "HeaderEncoder", "HeadersEnded", "Helper", "Hijack", "Id", "Implements", "Import",
    "ImportFrom", "ImportPath", "In", "Info", "Int63", "Inverse", "Is", "IsBoolFlag", "IsDir",
    "IsHTTP2NoCachedConnError", "IsOnCurve", "IsValid", "IsVariadic", "Key", "Kind", "Label", "LastInsertId", "Len",
    "Less", "LocalAddr", "Lock", "Log", "LogValue", "Logf", "Lstat", "M", "MarkDead", "MarshalBinary",
    "MarshalJSON", "MarshalText", "MarshalXML", "MarshalXMLAttr", "MatchString", "Method", "MethodByName",
    "ModTime", "Mode", "Name", "Network", "NewCBCDecrypter", "NewCBCEncrypter", "NewCTR", "NewGCM", "Next",
    "NextResultSet", "NonceSize", "NumField", "NumIn", "NumInput", "NumMethod", "NumOut", "Offsetsof", "Opaque",
    "Open", "OpenConnector", "OpenStream", "Out", "Overhead", "Params", "Parent", "Peek", "Ping", "Pkg", "PkgPath",
    "Pop", "Pos", "Position", "Precision", "Prepare", "PrepareContext", "Public", "PublicKey", "PublicSuffix",
    "Push", "Put", "PutUint16", "PutUint32", "PutUint64", "Quantize", "Query", "QueryContext", "RGBA", "RGBA64At",
    "Raw", "Read", "ReadAt", "ReadByte", "ReadCorpus", "ReadData", "ReadDir", "ReadFile", "ReadFrom", "ReadLink",
    "ReadRequestBody", "ReadRequestHeader", "ReadResponseBody", "ReadResponseHeader", "ReadRune", "Readdir",
    "RemoteAddr", "Replace", "Reset", "ResetCoverage", "ResetSession", "Rollback", "RoundTrip", "RoundTripErr",
    "RowsAffected", "RunFuzzWorker", "RuntimeError", "ScalarBaseMult", "ScalarMult", "Scan", "Seal", "Seed", "Seek",
    "ServeHTTP", "Set", "SetBytes", "SetCookies", "SetDeadline", "SetIV", "SetPanicOnExit0", "SetRGBA64",
    "SetReadDeadline", "SetWriteDeadline", "Setenv", "SharedKey", "Sign", "Signal", "Size", "Sizeof", "Skip",
    "SkipNow", "SkipSpace", "Skipf", "Skipped", "SnapshotCoverage", "Stack", "Start", "StartCPUProfile",
    "StartTestLog", "Stat", "StopCPUProfile", "StopTestLog", "StreamEnded", "String", "Sub", "Sum", "Sum32",
    "Sum64", "Swap", "Sys", "SyscallConn", "TempDir", "Temporary", "Timeout", "Token", "Type", "Uint16", "Uint32",
    "Uint64", "Underlying", "Unlock", "Unmarshal", "UnmarshalBinary", "UnmarshalCompressed", "UnmarshalJSON",
    "UnmarshalText", "UnmarshalXML", "UnmarshalXMLAttr", "UnreadByte", "UnreadRune", "Unwrap", "Value", "Visit",
    "Width", "WithAttrs", "WithGroup", "Write", "WriteAt", "WriteByte", "WriteHeader", "WriteProfileTo",
    "WriteRequest", "WriteResponse", "WriteString", "WriteTo", "XORKeyStream",
];

/// Whether an interface of the standard library asks for a method of a name.
pub(crate) fn is_asked_for(name: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(NAMES.is_sorted());
        for name in ["Accept", "ServeHTTP", "Close", "XORKeyStream"] {
            assert!(is_asked_for(name), "{name}");
        }
        assert!(!is_asked_for("Frobnicate"));
    }
}
