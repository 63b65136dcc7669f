// SPDX-License-Identifier: MPL-2.0
#include "checker.h"
#include "clang/Basic/SourceManager.h"

using namespace clang;

namespace checker {

Config config;

bool Base::under(llvm::StringRef path, const std::vector<std::string> &trees)
{
	for (auto &tree : trees)
		if (path.starts_with(tree))
			return true;
	return false;
}

std::string Base::path(SourceLocation where) const
{
	auto entry = sources.getFileEntryRefForID(sources.getFileID(where));
	return entry ? entry->getFileEntry().tryGetRealPathName().str() : std::string();
}

bool Base::trusted(SourceLocation where) const
{
	if (where.isInvalid())
		return false;
	// The results of ## and # belong to the macro body that contains the operator.
	while (where.isMacroID() && sources.isWrittenInScratchSpace(sources.getSpellingLoc(where)))
		where = sources.getImmediateExpansionRange(where).getBegin();
	where = sources.getSpellingLoc(where);
	if (sources.isWrittenInBuiltinFile(where) || sources.isWrittenInCommandLineFile(where))
		return true; // the build's own text
	return under(path(where), config.trusted_trees);
}

void Base::report(SourceLocation where, llvm::StringRef rule, const std::string &message)
{
	auto &diagnostics = compiler.getDiagnostics();
	unsigned id = diagnostics.getCustomDiagID(DiagnosticsEngine::Error, "checker[%0]: %1");
	diagnostics.Report(sources.getExpansionLoc(where), id) << rule << message;
}

} // namespace checker
