// SPDX-License-Identifier: MPL-2.0
// Rules on declarations: names, attributes, functions, records, fields, variables.
#include "rules.h"
#include "llvm/ADT/StringSet.h"

using namespace clang;

namespace checker {

void Rules::attributes_check(Decl *d)
{
	static const llvm::StringSet<> allowed = { "annotate", "cleanup", "noescape", "guarded_by",
		"requires_capability", "requires_shared_capability", "acquire_capability", "release_capability",
		"locks_excluded", "format", "warn_unused_result", "nodiscard", "counted_by", "packed", "nonnull",
		"unused", "maybe_unused", "fallthrough", "noreturn", "enum_extensibility" };
	for (auto *a : d->attrs())
		if (!a->isImplicit() && !a->isInherited() && !trusted(a->getLocation()) &&
			!allowed.contains(a->getSpelling()))
			report(a->getLocation(), "attr",
				std::string("attribute '") + a->getSpelling() + "' is not allowed");
}

bool Rules::VisitDecl(Decl *d)
{
	if (d->isImplicit() || d->getLocation().isInvalid() || trusted(d->getLocation()))
		return true;
	auto *named = dyn_cast<NamedDecl>(d);
	if (named && named->getDeclName().isIdentifier() && named->getName().starts_with("__"))
		report(d->getLocation(), "reserved", "names that begin with '__' belong to the core");
	attributes_check(d);
	return true;
}

bool Rules::VisitFunctionDecl(FunctionDecl *f)
{
	if (f->isImplicit() || f->getBuiltinID()) {
		if (f->isThisDeclarationADefinition() || !f->isImplicit())
			report(f->getLocation(), "extern", "declaration of a library builtin");
		return true;
	}
	if (f->isVariadic())
		report(f->getLocation(), "varargs", "variadic functions are not allowed");
	if (!f->hasPrototype())
		report(f->getLocation(), "noproto", "function without a prototype");
	if (!f->isThisDeclarationADefinition() && f->getStorageClass() != SC_Static && !f->getDefinition() &&
	    sources.isInMainFile(sources.getExpansionLoc(f->getLocation())))
		report(f->getLocation(), "extern", "declare external functions in a header, not in a .c file");
	if (!f->isThisDeclarationADefinition())
		return true;
	for (auto *r : f->redecls())
		for (unsigned i = 0; i < f->getNumParams(); i++)
			if (r->getParamDecl(i)->hasAttr<NoEscapeAttr>() && !f->getParamDecl(i)->hasAttr<NoEscapeAttr>())
				report(f->getParamDecl(i)->getLocation(), "borrow",
					"parameter is borrowed in a declaration but not in the definition");
	return true;
}

bool Rules::VisitRecordDecl(RecordDecl *r)
{
	if (!r->isUnion() || !r->isThisDeclarationADefinition())
		return true;
	for (auto *f : r->fields())
		if (holds_more_than_integers(f->getType())) {
			report(f->getLocation(), "union",
				"a union's members are made of integers only: anything else can be read as "
				"another type");
			break;
		}
	return true;
}

void Rules::flexible_array_check(FieldDecl *f)
{
	auto *counted = f->getType()->getAs<CountAttributedType>();
	auto *count = counted ? dyn_cast<DeclRefExpr>(strip(counted->getCountExpr())) : nullptr;
	if (!count || !note(count->getDecl(), "svc.private"))
		report(f->getLocation(), "fam",
			"a flexible array needs counted_by a core_private field (DEFINE_POINTER_TABLE, struct buf)");
}

bool Rules::VisitFieldDecl(FieldDecl *f)
{
	QualType type = f->getType().getCanonicalType();
	if (type->isIncompleteArrayType() || f->getType()->isCountAttributedType())
		flexible_array_check(f);
	while (auto *array = type->getAsArrayTypeUnsafe())
		type = array->getElementType().getCanonicalType();
	if (is_stack_only(type) && !note(f->getParent(), "svc.stackonly"))
		report(f->getLocation(), "stackonly",
			"spans and other stack-only values are not kept in objects; keep a struct buf");
	if (note(f, "svc.lent") && !note(f->getParent(), "svc.stackonly"))
		report(f->getLocation(), "stackonly", "only a stack-only record has lent fields");
	if (type->isPointerType() && !type->getPointeeType()->isRecordType() &&
		!type->getPointeeType()->isFunctionType())
		report(f->getLocation(), "rawptr", "pointer fields point to structs or functions only");
	if (type.isVolatileQualified())
		report(f->getLocation(), "volatile",
			"volatile is for the core; use the device memory or atomic functions");
	return true;
}

void Rules::global_check(VarDecl *v)
{
	if (v->hasExternalStorage() && sources.isInMainFile(v->getLocation()))
		report(v->getLocation(), "extern", "extern variable declared in a .c file");
	QualType type = context.getBaseElementType(v->getType());
	bool ok = type.isConstQualified() || v->hasAttr<GuardedByAttr>() || record_has(type, "svc.sync");
	if (!ok || type.isVolatileQualified() || v->getTLSKind() != VarDecl::TLS_None)
		report(v->getLocation(), "global",
			"a global is const, GUARDED_BY() a lock, or of a synchronised core type");
	if (is_stack_only(type))
		report(v->getLocation(), "stackonly", "stack-only value in static storage");
}

bool Rules::VisitVarDecl(VarDecl *v)
{
	if (note(v, "svc.guard")) {
		guards.push_back(v);
		return true;
	}
	if (trusted(v->getLocation()))
		return true;
	auto *cleanup = v->getAttr<CleanupAttr>();
	if (cleanup && !trusted(cleanup->getFunctionDecl()->getLocation()) &&
	    !cleanup->getFunctionDecl()->getParamDecl(0)->hasAttr<NoEscapeAttr>())
		report(v->getLocation(), "cleanup", "a cleanup function borrows its parameter");
	if (isa<ParmVarDecl>(v) && v->getType()->isPointerType() && is_stack_only(v->getType()->getPointeeType()) &&
		!v->hasAttr<NoEscapeAttr>())
		report(v->getLocation(), "stackonly", "a pointer to a stack-only value must be borrowed");
	if (v->getType()->isVariableArrayType())
		report(v->getLocation(), "vla", "variable length array");
	if (v->getType().isVolatileQualified())
		report(v->getLocation(), "volatile", "volatile is for the core");
	auto *r = record_of(v->getType());
	if (r && r->hasFlexibleArrayMember() && !v->getType()->isPointerType())
		report(v->getLocation(), "fam", "objects with a flexible array come from the core's allocator");
	if (v->hasGlobalStorage())
		global_check(v);
	return true;
}

bool Rules::VisitFileScopeAsmDecl(FileScopeAsmDecl *d)
{
	report(d->getAsmLoc(), "asm", "file-scope assembly");
	return true;
}

} // namespace checker
