// SPDX-License-Identifier: MPL-2.0
// safec.so - clang plugin that checks the service subset of C ("safec").  Runs inside the real
// compile (-fplugin), so what is checked is exactly what is compiled.  Trust is decided by the
// *spelling* location of each construct: only text inside the core include tree is trusted.
#include "clang/AST/ASTConsumer.h"
#include "clang/AST/ParentMapContext.h"
#include "clang/AST/RecordLayout.h"
#include "clang/AST/RecursiveASTVisitor.h"
#include "clang/Basic/Builtins.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/Frontend/FrontendPluginRegistry.h"
#include "clang/Lex/PPCallbacks.h"
#include "clang/Lex/Preprocessor.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"
using namespace clang;
using llvm::StringRef;
namespace {
struct Config { std::vector<std::string> Core, Svc; std::string Dump; } Cfg;   // absolute path prefixes

struct Base {
  CompilerInstance &CI; SourceManager &SM;
  Base(CompilerInstance &CI) : CI(CI), SM(CI.getSourceManager()) {}
  static bool under(StringRef P, const std::vector<std::string> &V) {
    for (auto &C : V) if (P.starts_with(C)) return true;
    return false;
  }
  std::string path(SourceLocation L) {
    // physical file (FileEntry), never the presumed one: #line cannot spoof it
    auto FE = SM.getFileEntryRefForID(SM.getFileID(L));
    return FE ? FE->getFileEntry().tryGetRealPathName().str() : std::string();
  }
  bool trusted(SourceLocation L) {
    if (L.isInvalid()) return false;
    while (L.isMacroID() && SM.isWrittenInScratchSpace(SM.getSpellingLoc(L))) // ## and # results
      L = SM.getImmediateExpansionRange(L).getBegin();
    L = SM.getSpellingLoc(L);
    if (SM.isWrittenInBuiltinFile(L) || SM.isWrittenInCommandLineFile(L)) return true; // the build's own text
    return under(path(L), Cfg.Core);
  }
  void report(SourceLocation L, StringRef Rule, const std::string &Msg) {
    auto &D = CI.getDiagnostics();
    unsigned ID = D.getCustomDiagID(DiagnosticsEngine::Error, "safec[%0]: %1");
    D.Report(SM.getExpansionLoc(L), ID) << Rule << Msg;
  }
};

struct PP : PPCallbacks, Base {
  PP(CompilerInstance &CI) : Base(CI) {}
  bool svc(SourceLocation L) { return !trusted(L); }
  void InclusionDirective(SourceLocation H, const Token &, StringRef N, bool, CharSourceRange, OptionalFileEntryRef F,
                          StringRef, StringRef, const Module *, bool, SrcMgr::CharacteristicKind) override {
    if (trusted(H)) return;
    auto P = F ? F->getFileEntry().tryGetRealPathName().str() : std::string();
    if (!under(P, Cfg.Core) && !under(P, Cfg.Svc)) report(H, "include", "header '" + N.str() + "' is outside the core public and service trees");
  }
  void PragmaDirective(SourceLocation L, PragmaIntroducerKind) override {
    if (trusted(L)) return;
    StringRef Text(SM.getCharacterData(SM.getSpellingLoc(L)), 40);
    if (!Text.starts_with("#pragma once")) report(L, "pragma", "pragmas other than 'once' are not allowed in services");
  }
  void MacroExpands(const Token &T, const MacroDefinition &M, SourceRange R, const MacroArgs *) override {
    if (!T.getIdentifierInfo()) return;
    auto *MI = M.getMacroInfo();
    if (trusted(T.getLocation())) { // core text whose meaning a service macro would change
      if (!MI->isBuiltinMacro() && !trusted(MI->getDefinitionLoc())) report(T.getLocation(), "macro", "service macro '" + T.getIdentifierInfo()->getName().str() + "' captures a token of core text");
      return;
    }
    if (T.getIdentifierInfo()->getName().starts_with("__") && !trustedBuiltin(MI) && T.getIdentifierInfo()->getName() != "__user")
      report(T.getLocation(), "reserved", "macro '" + T.getIdentifierInfo()->getName().str() + "' is internal to the core");
  }
  bool trustedBuiltin(const MacroInfo *MI) { return MI->isBuiltinMacro() || SM.isWrittenInBuiltinFile(MI->getDefinitionLoc()); }
  void MacroDefined(const Token &T, const MacroDirective *MD) override {
    if (!svc(T.getLocation())) return;
    if (MD->getPrevious() || T.getIdentifierInfo()->isKeyword(CI.getLangOpts()) || T.getIdentifierInfo()->getName().starts_with("__")) report(T.getLocation(), "macro", "redefinition of a macro or a reserved name");
  }
  void MacroUndefined(const Token &T, const MacroDefinition &, const MacroDirective *) override {
    if (svc(T.getLocation())) report(T.getLocation(), "macro", "#undef in a service");
  }
  void FileChanged(SourceLocation L, FileChangeReason R, SrcMgr::CharacteristicKind, FileID) override {
    if (R == RenameFile && !SM.isWrittenInBuiltinFile(L) && !SM.isWrittenInCommandLineFile(L) && svc(L.getLocWithOffset(-1))) report(L.getLocWithOffset(-1), "line", "#line in a service");
  }
};

class Visitor : public RecursiveASTVisitor<Visitor>, Base {
  ASTContext &Ctx; FunctionDecl *Fn = nullptr; std::vector<VarDecl *> Guards; // guards in scope, innermost last
public:
  Visitor(CompilerInstance &CI) : Base(CI), Ctx(CI.getASTContext()) {}
  bool shouldVisitImplicitCode() const { return true; }
  static bool note(const Decl *D, StringRef S) {
    if (D) for (auto *A : D->specific_attrs<AnnotateAttr>()) if (A->getAnnotation() == S) return true;
    return false;
  }
  static bool recordHas(QualType T, StringRef S) {
    T = T.getCanonicalType();
    while (auto *A = T->getAsArrayTypeUnsafe()) T = A->getElementType().getCanonicalType();
    auto *R = T->getAsRecordDecl();
    return R && note(R, S);
  }
  static const Expr *strip(const Expr *E) { return E->IgnoreParenImpCasts(); }
  // Where may the object designated by an lvalue / pointed to by a pointer live?
  enum Loc { Heap, Borrowed, Local };                 // Heap: type-stable or static storage
  static Loc lvalueLoc(const Expr *E) {
    for (;;) {
      E = strip(E);
      if (auto *M = dyn_cast<MemberExpr>(E)) { if (M->isArrow()) return ptrLoc(M->getBase()); E = M->getBase(); }
      else if (auto *A = dyn_cast<ArraySubscriptExpr>(E)) { if (!strip(A->getBase())->getType()->isArrayType()) return ptrLoc(A->getBase()); E = A->getBase(); }
      else if (auto *U = dyn_cast<UnaryOperator>(E); U && U->getOpcode() == UO_Deref) return ptrLoc(U->getSubExpr());
      else if (auto *D = dyn_cast<DeclRefExpr>(E)) { auto *V = dyn_cast<VarDecl>(D->getDecl()); return V && V->hasLocalStorage() ? Local : Heap; }
      else if (isa<StringLiteral>(E)) return Heap;
      else if (auto *C = dyn_cast<CompoundLiteralExpr>(E)) return C->isFileScope() ? Heap : Local;
      else return Local;                              // temporaries and anything unknown
    }
  }
  static Loc ptrLoc(const Expr *E) {
    E = strip(E);
    if (E->getType()->isArrayType()) return lvalueLoc(E);
    if (auto *D = dyn_cast<DeclRefExpr>(E)) return isa<ParmVarDecl>(D->getDecl()) && D->getDecl()->hasAttr<NoEscapeAttr>() ? Borrowed : Heap;
    if (auto *M = dyn_cast<MemberExpr>(E)) return note(M->getMemberDecl(), "svc.private") ? Borrowed : Heap;
    if (auto *U = dyn_cast<UnaryOperator>(E); U && U->getOpcode() == UO_AddrOf) return lvalueLoc(U->getSubExpr());
    if (auto *C = dyn_cast<ConditionalOperator>(E)) return std::max(ptrLoc(C->getTrueExpr()), ptrLoc(C->getFalseExpr()));
    if (auto *B = dyn_cast<BinaryOperator>(E)) return ptrLoc(B->isAdditiveOp() ? B->getLHS() : B->getRHS());
    if (auto *S = dyn_cast<StmtExpr>(E)) if (auto *L = dyn_cast_or_null<Expr>(S->getSubStmt()->body_empty() ? nullptr : S->getSubStmt()->body_back())) return ptrLoc(L);
    if (auto *C = dyn_cast<CastExpr>(E)) return ptrLoc(C->getSubExpr());
    return Heap;
  }
  static const VarDecl *autoVar(const Expr *E) {
    auto *D = dyn_cast<DeclRefExpr>(strip(E)); auto *V = D ? dyn_cast<VarDecl>(D->getDecl()) : nullptr;
    return V && V->hasAttr<CleanupAttr>() ? V : nullptr;
  }
  // E is a pointer value that must only flow downward: it may be dereferenced, compared, or lent.
  void checkFlow(const Expr *E, SourceLocation L) {
    Loc K = ptrLoc(E);
    if (K == Heap) return;
    const Stmt *S = E, *P;
    for (;; S = P) {
      P = parentStmt(S);
      if (P && (isa<ConditionalOperator>(P) || isa<StmtExpr>(P))) continue;
      break;
    }
    bool Ok = isa_and_nonnull<MemberExpr>(P) || isa_and_nonnull<ArraySubscriptExpr>(P) || isa_and_nonnull<IfStmt>(P) || isa_and_nonnull<WhileStmt>(P) || isa_and_nonnull<UnaryExprOrTypeTraitExpr>(P);
    if (auto *U = dyn_cast_or_null<UnaryOperator>(P)) Ok = U->getOpcode() == UO_Deref || U->getOpcode() == UO_LNot;
    if (auto *B = dyn_cast_or_null<BinaryOperator>(P)) Ok = B->isComparisonOp() || B->isLogicalOp();
    if (auto *C = dyn_cast_or_null<CallExpr>(P)) Ok = C->getDirectCallee() && C->getDirectCallee()->getBuiltinID(); // builtins are checked by allow-list
    if (auto *C = dyn_cast_or_null<CallExpr>(P); C && !C->getDirectCallee() && !Ok) Ok = indirectBorrows(C, cast<Expr>(S));
    if (auto *PV = paramFor(P, cast<Expr>(S)); PV && !Ok) Ok = PV->hasAttr<NoEscapeAttr>() || trusted(PV->getLocation());
    if (!Ok) report(L, K == Local ? "addrlocal" : "borrow", K == Local ? "address of a local may only be lent to a borrowed parameter" : "borrowed pointer may not be stored, returned or passed on as owned");
  }
  const Stmt *parentStmt(const Stmt *S) {
    for (;;) {
      auto P = Ctx.getParents(*S);
      if (P.empty()) return nullptr;
      S = P[0].get<Stmt>();
      if (!S) return nullptr;
      if (isa<ParenExpr>(S) || isa<ImplicitCastExpr>(S)) continue;
      return S;
    }
  }
  const VarDecl *initVar(const Stmt *S) { // S is (modulo parens/casts) the initializer of a variable
    for (;;) {
      auto P = Ctx.getParents(*S);
      if (P.empty()) return nullptr;
      if (auto *V = P[0].get<VarDecl>()) return V;
      S = P[0].get<Stmt>();
      if (!S || !(isa<ParenExpr>(S) || isa<ImplicitCastExpr>(S))) return nullptr;
    }
  }
  // A call through a pointer: the function type itself carries what each parameter borrows.
  bool indirectBorrows(const CallExpr *C, const Expr *Arg) {
    QualType T = C->getCallee()->getType();
    if (auto *PT = T->getAs<PointerType>()) T = PT->getPointeeType();
    auto *FT = T->getAs<FunctionProtoType>();
    if (!FT || !FT->hasExtParameterInfos()) return false;
    for (unsigned i = 0; i < C->getNumArgs() && i < FT->getNumParams(); i++)
      if (strip(C->getArg(i)) == strip(Arg) || C->getArg(i) == Arg) return FT->getExtParameterInfo(i).isNoEscape();
    return false;
  }
  const ParmVarDecl *paramFor(const Stmt *P, const Expr *Arg) {
    auto *C = dyn_cast_or_null<CallExpr>(P);
    if (!C || !C->getDirectCallee()) return nullptr;
    for (unsigned i = 0; i < C->getNumArgs() && i < C->getDirectCallee()->getNumParams(); i++)
      if (strip(C->getArg(i)) == strip(Arg) || C->getArg(i) == Arg) return C->getDirectCallee()->getParamDecl(i);
    return nullptr;
  }
  bool same(const Expr *A, const Expr *B) {
    llvm::FoldingSetNodeID X, Y; strip(A)->Profile(X, Ctx, true); strip(B)->Profile(Y, Ctx, true);
    return X == Y;
  }
  // --- traversal state -------------------------------------------------------------------
  bool TraverseFunctionDecl(FunctionDecl *F) {
    if (trusted(F->getLocation())) return true;                 // inline functions of the core
    auto *Old = Fn; Fn = F; bool R = RecursiveASTVisitor::TraverseFunctionDecl(F); Fn = Old; return R;
  }
  bool TraverseRecordDecl(RecordDecl *R) { return trusted(R->getLocation()) || RecursiveASTVisitor::TraverseRecordDecl(R); }
  bool TraverseCompoundStmt(CompoundStmt *S) {
    size_t N = Guards.size(); bool R = RecursiveASTVisitor::TraverseCompoundStmt(S); Guards.resize(N); return R;
  }
  // --- declarations ------------------------------------------------------------------------
  bool VisitDecl(Decl *D) {
    static const llvm::StringSet<> Ok = {"annotate", "cleanup", "noescape", "guarded_by", "requires_capability", "acquire_capability",
      "release_capability", "locks_excluded", "format", "warn_unused_result", "counted_by", "noderef", "packed", "nonnull", "unused", "fallthrough", "noreturn"};
    if (D->isImplicit() || D->getLocation().isInvalid() || trusted(D->getLocation())) return true;
    if (auto *N = dyn_cast<NamedDecl>(D); N && N->getDeclName().isIdentifier() && N->getName().starts_with("__")) report(D->getLocation(), "reserved", "names starting with '__' belong to the core");
    for (auto *A : D->attrs())
      if (!A->isImplicit() && !A->isInherited() && !trusted(A->getLocation()) && !Ok.contains(A->getSpelling()))
        report(A->getLocation(), "attr", std::string("attribute '") + A->getSpelling() + "' is not allowed in services");
    return true;
  }
  bool VisitFunctionDecl(FunctionDecl *F) {
    if (F->isImplicit() || F->getBuiltinID()) { if (F->isThisDeclarationADefinition() || !F->isImplicit()) report(F->getLocation(), "extern", "declaration of a library builtin"); return true; }
    if (F->isVariadic()) report(F->getLocation(), "varargs", "variadic functions are not allowed in services");
    if (!F->hasPrototype()) report(F->getLocation(), "noproto", "function without a prototype");
    if (!F->isThisDeclarationADefinition() && F->getStorageClass() != SC_Static && !F->isImplicit() && !F->getDefinition() && SM.isInMainFile(SM.getExpansionLoc(F->getLocation())))
      report(F->getLocation(), "extern", "declare external functions in a header, not in a .c file");
    if (recordHas(F->getReturnType(), "svc.stackonly")) report(F->getLocation(), "stackonly", "services may not return spans");
    for (auto *R : F->redecls()) for (unsigned i = 0; F->isThisDeclarationADefinition() && i < F->getNumParams(); i++)
      if (R->getParamDecl(i)->hasAttr<NoEscapeAttr>() && !F->getParamDecl(i)->hasAttr<NoEscapeAttr>()) report(F->getParamDecl(i)->getLocation(), "borrow", "parameter is borrowed in a declaration but not in the definition");
    return true;
  }
  bool VisitRecordDecl(RecordDecl *R) {
    if (R->isUnion() && R->isThisDeclarationADefinition())
      for (auto *F : R->fields()) if (hasPointerOrBool(F->getType())) { report(F->getLocation(), "union", "union member with a pointer or bool allows type punning"); break; }
    return true;
  }
  bool hasPointerOrBool(QualType T) {
    T = T.getCanonicalType();
    if (auto *A = T->getAsArrayTypeUnsafe()) return hasPointerOrBool(A->getElementType());
    if (T->isAnyPointerType() || T->isBooleanType() || T->isEnumeralType()) return true;
    if (auto *R = T->getAsRecordDecl()) for (auto *F : R->fields()) if (hasPointerOrBool(F->getType())) return true;
    return false;
  }
  bool VisitFieldDecl(FieldDecl *F) {
    QualType T = F->getType().getCanonicalType();
    if (T->isIncompleteArrayType() || F->getType()->isCountAttributedType()) { // flexible array: its count must be immutable
      auto *CA = F->getType()->getAs<CountAttributedType>(); auto *N = CA ? dyn_cast<DeclRefExpr>(strip(CA->getCountExpr())) : nullptr;
      if (!N || !(N->getDecl()->getType().isConstQualified() || note(N->getDecl(), "svc.private"))) report(F->getLocation(), "fam", "flexible array needs counted_by a const or core_private field");
    }
    while (auto *A = T->getAsArrayTypeUnsafe()) T = A->getElementType().getCanonicalType();
    if (recordHas(T, "svc.stackonly") && !note(F->getParent(), "svc.stackonly")) report(F->getLocation(), "stackonly", "spans are stack-only; store a buffer object instead");
    if (T->isPointerType() && !T->getPointeeType()->isRecordType() && !T->getPointeeType()->isFunctionType())
      report(F->getLocation(), "rawptr", "pointer fields must point to a struct or function type");
    if (T.isVolatileQualified()) report(F->getLocation(), "volatile", "volatile is for the core; use the MMIO/atomic API");
    return true;
  }
  bool VisitVarDecl(VarDecl *V) {
    if (note(V, "svc.guard")) { Guards.push_back(V); return true; }
    if (trusted(V->getLocation())) return true;
    if (auto *CA = V->getAttr<CleanupAttr>(); CA && !trusted(CA->getFunctionDecl()->getLocation()) && !CA->getFunctionDecl()->getParamDecl(0)->hasAttr<NoEscapeAttr>())
      report(V->getLocation(), "cleanup", "cleanup function must borrow its parameter");
    if (V->getType()->isPointerType() && recordHas(V->getType()->getPointeeType(), "svc.stackonly") && !V->hasAttr<NoEscapeAttr>()) report(V->getLocation(), "stackonly", "pointer to a span");
    if (auto *T = V->getType()->getAs<PointerType>(); T && T->getPointeeType()->getAsRecordDecl() && T->getPointeeType()->getAsRecordDecl()->getName().starts_with("span_")) report(V->getLocation(), "stackonly", "pointer to a span");
    if (V->getType()->isVariableArrayType()) report(V->getLocation(), "vla", "variable length array");
    if (V->hasGlobalStorage()) {
      if (V->hasExternalStorage() && SM.isInMainFile(V->getLocation())) report(V->getLocation(), "extern", "extern variable declared in a .c file");
      QualType T = Ctx.getBaseElementType(V->getType());
      bool Ok = T.isConstQualified() || V->hasAttr<GuardedByAttr>() || recordHas(T, "svc.sync");
      if (!Ok || T.isVolatileQualified() || V->getTLSKind() != VarDecl::TLS_None) report(V->getLocation(), "global", "mutable global must be const, guarded_by(), or a core synchronized type");
      if (recordHas(T, "svc.stackonly")) report(V->getLocation(), "stackonly", "span in static storage");
    }
    return true;
  }
  // --- expressions -------------------------------------------------------------------------
  bool VisitGCCAsmStmt(GCCAsmStmt *S) { report(S->getAsmLoc(), "asm", "inline assembly"); return true; }
  bool VisitFileScopeAsmDecl(FileScopeAsmDecl *D) { report(D->getAsmLoc(), "asm", "file-scope assembly"); return true; }
  bool VisitIndirectGotoStmt(IndirectGotoStmt *S) { report(S->getGotoLoc(), "goto", "computed goto"); return true; }
  bool VisitAddrLabelExpr(AddrLabelExpr *S) { report(S->getAmpAmpLoc(), "goto", "address of label"); return true; }
  bool VisitCastExpr(CastExpr *C) {
    SourceLocation L = C->getExprLoc();
    if (auto *X = dyn_cast<CStyleCastExpr>(C)) L = X->getLParenLoc();
    if (trusted(L)) return true;
    QualType S = C->getSubExpr()->getType(), D = C->getType();
    switch (C->getCastKind()) {
    case CK_IntegralToPointer: report(L, "cast", "integer to pointer"); break;
    case CK_PointerToIntegral: report(L, "cast", "pointer to integer"); break;
    case CK_AddressSpaceConversion: report(L, "cast", "address-space (user/kernel) conversion"); break;
    case CK_BitCast: case CK_LValueBitCast: case CK_LValueToRValueBitCast:
      report(L, "cast", "'" + S.getAsString() + "' to '" + D.getAsString() + "' reinterprets memory"); break;
    case CK_NoOp:
      if (isa<CStyleCastExpr>(C) && S->isPointerType() && D->isPointerType() && !D->getPointeeType().isAtLeastAsQualifiedAs(S->getPointeeType()))
        report(L, "cast", "cast drops qualifiers");
      break;
    case CK_ArrayToPointerDecay: {
      checkFlow(C, L);
      break; }
    case CK_LValueToRValue:
      if (auto *D = dyn_cast<DeclRefExpr>(strip(C->getSubExpr())); D && C->getType()->isPointerType() && !trusted(D->getLocation())) checkFlow(C, D->getLocation());
      break;
    default: break;
    }
    return true;
  }
  bool VisitArraySubscriptExpr(ArraySubscriptExpr *A) {
    if (trusted(A->getRBracketLoc())) return true;
    auto *B = strip(A->getBase()); auto *AT = Ctx.getAsArrayType(B->getType());
    bool Ok = AT && isa<ConstantArrayType>(AT);
    if (AT && isa<IncompleteArrayType>(AT)) // flexible array member: only with counted_by
      if (auto *M = dyn_cast<MemberExpr>(B)) Ok = M->getMemberDecl()->getType()->isCountAttributedType();
    if (!Ok) report(A->getRBracketLoc(), "index", "subscript on a pointer without a known bound; use a span");
    auto Ps = Ctx.getParents(*A); const Stmt *P = Ps.empty() ? nullptr : Ps[0].get<Stmt>(); // -fsanitize=array-bounds lets &a[n] pass
    while (P && isa<ParenExpr>(P)) { Ps = Ctx.getParents(*P); P = Ps.empty() ? nullptr : Ps[0].get<Stmt>(); }
    auto *IC = dyn_cast_or_null<ImplicitCastExpr>(P); auto *U = dyn_cast_or_null<UnaryOperator>(P);
    bool Bad = (U && U->getOpcode() == UO_AddrOf) || (IC && IC->getCastKind() == CK_ArrayToPointerDecay && !isa_and_nonnull<ArraySubscriptExpr>(parentStmt(IC)));
    if (Bad) report(A->getRBracketLoc(), "oneend", "address of an array element: use array_ptr(), which also rejects one past the end");
    return true;
  }
  bool VisitBinaryOperator(BinaryOperator *B) {
    if (trusted(B->getOperatorLoc())) return true;
    bool P = B->getLHS()->getType()->isPointerType() || B->getRHS()->getType()->isPointerType();
    if (P && (B->isAdditiveOp() || B->isCompoundAssignmentOp())) report(B->getOperatorLoc(), "arith", "pointer arithmetic");
    if (P && B->isRelationalOp()) report(B->getOperatorLoc(), "ptrcmp", "ordering of pointers");
    if (B->isAssignmentOp() && autoVar(B->getRHS())) report(B->getOperatorLoc(), "escape", "auto-released reference is stored without take()");
    if (B->isAssignmentOp() && recordHas(B->getType(), "svc.stackonly") && lvalueLoc(B->getLHS()) != Local) report(B->getOperatorLoc(), "stackonly", "span stored through a pointer");
    return true;
  }
  bool VisitUnaryOperator(UnaryOperator *U) {
    if (trusted(U->getOperatorLoc())) return true;
    if (U->isIncrementDecrementOp() && U->getType()->isPointerType()) report(U->getOperatorLoc(), "arith", "pointer arithmetic");
    if (U->getOpcode() == UO_AddrOf) checkFlow(U, U->getOperatorLoc());
    return true;
  }
  bool VisitReturnStmt(ReturnStmt *R) {
    if (R->getRetValue() && autoVar(R->getRetValue()) && R->getRetValue()->getType()->isPointerType()) report(R->getReturnLoc(), "escape", "auto-released reference is returned without take()");
    return true;
  }
  bool VisitGotoStmt(GotoStmt *S) { report(S->getGotoLoc(), "goto", "goto (it can bypass initialization); use scope guards"); return true; }
  bool VisitSwitchStmt(SwitchStmt *S) {
    if (auto *C = dyn_cast<CompoundStmt>(S->getBody())) for (auto *X : C->body()) if (isa<DeclStmt>(X)) report(X->getBeginLoc(), "switch", "declaration in a switch body bypasses initialization; use a nested block");
    return true;
  }
  bool VisitVAArgExpr(VAArgExpr *E) { report(E->getBuiltinLoc(), "varargs", "va_arg"); return true; }
  bool VisitCallExpr(CallExpr *C) {
    auto *F = C->getDirectCallee();
    if (!F) return true;
    if (unsigned ID = F->getBuiltinID(); ID && !trusted(C->getCallee()->getExprLoc())) {
      static const llvm::StringSet<> Ok = {"__builtin_expect", "__builtin_unreachable_checked", "__builtin_add_overflow", "__builtin_sub_overflow", "__builtin_mul_overflow",
        "__builtin_ctz", "__builtin_ctzl", "__builtin_clz", "__builtin_clzl", "__builtin_popcount", "__builtin_popcountl", "__builtin_bswap16", "__builtin_bswap32", "__builtin_bswap64", "__builtin_trap"};
      if (!Ok.contains(F->getName())) report(C->getExprLoc(), "builtin", "builtin '" + F->getName().str() + "'");
    }
    if (F->isVariadic() && !trusted(C->getRParenLoc())) {
      auto *FA = F->getAttr<FormatAttr>();
      auto *Lit = FA ? dyn_cast<StringLiteral>(strip(C->getArg(FA->getFormatIdx() - 1))) : nullptr;
      if (!Lit || Lit->getString().contains("%s") || Lit->getString().contains("%n")) report(C->getExprLoc(), "format", "variadic call without a literal format, or with %s/%n (print spans)");
    }
    for (unsigned i = 0; i < C->getNumArgs() && i < F->getNumParams(); i++) {
      if (!note(F->getParamDecl(i), "svc.consumes") || trusted(C->getExprLoc())) continue;
      auto *A = strip(C->getArg(i)); auto *AC = dyn_cast<CallExpr>(A); auto *AD = dyn_cast<DeclRefExpr>(A);
      if (!(isa<StmtExpr>(A) && trusted(A->getBeginLoc())) && !(AC && AC->getDirectCallee() && note(AC->getDirectCallee(), "svc.owned")) && !(AD && note(AD->getDecl(), "svc.consumes")))
        report(A->getExprLoc(), "consume", "give up a reference with take(), so that no second copy of it stays behind");
    }
    if (note(F, "svc.owned") && !trusted(C->getExprLoc())) {
      bool Ok = false;
      const Stmt *Q = C, *P; while ((P = parentStmt(Q)) && isa<ConditionalOperator>(P)) Q = P;
      if (auto *V = initVar(Q)) Ok = V->hasAttr<CleanupAttr>();
      auto *PV = paramFor(P, C);
      if (isa_and_nonnull<ReturnStmt>(P)) Ok = note(Fn, "svc.owned");
      if (PV && note(PV, "svc.consumes")) Ok = true;
      // A field may take the reference over directly, and so may a core collection: what is lost there leaks, it never dangles.
      if (auto *B = dyn_cast_or_null<BinaryOperator>(P); B && B->getOpcode() == BO_Assign && (isa<MemberExpr>(strip(B->getLHS())) || isa<ArraySubscriptExpr>(strip(B->getLHS())))) Ok = true;
      if (auto *PC = dyn_cast_or_null<CallExpr>(P); PV && PC->getDirectCallee() && trusted(PC->getDirectCallee()->getLocation()) && PV->getName() == "e") Ok = true;
      if (!Ok) report(C->getExprLoc(), "owned", "owned result of '" + F->getName().str() + "' must initialize an auto-released variable, be consumed, or be returned from an owned function");
    }
    return true;
  }
  bool VisitDeclRefExpr(DeclRefExpr *D) {
    if (!trusted(D->getLocation()) && trusted(D->getDecl()->getLocation()) && D->getDecl()->getDeclName().isIdentifier() &&
        D->getDecl()->getName().starts_with("__") && !D->getDecl()->getName().starts_with("__builtin") && !isa<VarDecl>(D->getDecl()))
      report(D->getLocation(), "reserved", "'" + D->getDecl()->getName().str() + "' is internal to the core");
    return true;
  }
  bool VisitInitListExpr(InitListExpr *I) {
    if (I->getLBraceLoc().isInvalid() || trusted(I->getLBraceLoc())) return true;
    if (auto *R = I->getType()->getAsRecordDecl())
      for (auto *F : R->fields()) if (note(F, "svc.private") && I->getNumInits() && !isa<ImplicitValueInitExpr>(I->getInit(0)) && !(isa<IntegerLiteral>(strip(I->getInit(0))))) {
        report(I->getLBraceLoc(), "private", "services may not build '" + R->getName().str() + "' field by field"); break; }
    return true;
  }
  bool VisitMemberExpr(MemberExpr *M) {
    if (trusted(M->getMemberLoc())) return true;
    if (note(M->getMemberDecl(), "svc.private")) report(M->getMemberLoc(), "private", "field '" + M->getMemberDecl()->getName().str() + "' is private to the core");
    auto *G = M->getMemberDecl()->getAttr<GuardedByAttr>();
    if (!G || !Fn || note(Fn, "svc.exclusive")) return true;
    auto *LF = lockField(G->getArg());                                   // instance-precise guarded_by
    if (!LF) return true;
    auto match = [&](const Expr *E) { // E designates base->lock with the same base?
      auto *X = E ? dyn_cast<MemberExpr>(unaddr(E)) : nullptr;
      return X && X->getMemberDecl() == LF && X->isArrow() == M->isArrow() && same(X->getBase(), M->getBase());
    };
    for (auto *V : Guards) if (auto *C = dyn_cast<CallExpr>(V->getInit()->IgnoreParenImpCasts())) if (C->getNumArgs() && match(C->getArg(0))) return true;
    for (auto *A : Fn->specific_attrs<RequiresCapabilityAttr>()) for (auto *E : A->args()) if (matchParam(E, LF, M)) return true;
    report(M->getMemberLoc(), "guard", "'" + M->getMemberDecl()->getName().str() + "' needs a lock_guard or requires_lock on the same object's '" + LF->getName().str() + "'");
    return true;
  }
  static const Expr *unaddr(const Expr *E) { E = strip(E); if (auto *U = dyn_cast<UnaryOperator>(E)) if (U->getOpcode() == UO_AddrOf) return strip(U->getSubExpr()); return E; }
  static const FieldDecl *lockField(const Expr *E) {
    E = unaddr(E);
    if (auto *D = dyn_cast<DeclRefExpr>(E)) return dyn_cast<FieldDecl>(D->getDecl());
    if (auto *M = dyn_cast<MemberExpr>(E)) return dyn_cast<FieldDecl>(M->getMemberDecl());
    return nullptr;
  }
  bool matchParam(const Expr *E, const FieldDecl *LF, MemberExpr *M) { // param names may differ between redeclarations
    auto *X = dyn_cast<MemberExpr>(unaddr(E)); if (!X || X->getMemberDecl() != LF) return false;
    auto *P = dyn_cast<DeclRefExpr>(strip(X->getBase())), *Q = dyn_cast<DeclRefExpr>(strip(M->getBase()));
    auto *A = P ? dyn_cast<ParmVarDecl>(P->getDecl()) : nullptr, *B = Q ? dyn_cast<ParmVarDecl>(Q->getDecl()) : nullptr;
    return A && B && A->getFunctionScopeIndex() == B->getFunctionScopeIndex();
  }
};

struct Consumer : ASTConsumer {
  CompilerInstance &CI;
  Consumer(CompilerInstance &CI) : CI(CI) {}
  void HandleTranslationUnit(ASTContext &C) override { Visitor(CI).TraverseDecl(C.getTranslationUnitDecl()); if (!Cfg.Dump.empty()) dump(C); }
  // One line per record and external function: CI merges these of all units and rejects two
  // different layouts or types under one name (C has no one-definition rule of its own).
  void dump(ASTContext &C) {
    std::error_code EC; llvm::raw_fd_ostream O(Cfg.Dump, EC); PrintingPolicy PPol(C.getLangOpts());
    for (auto *D : C.getTranslationUnitDecl()->decls()) {
      if (auto *R = dyn_cast<RecordDecl>(D); R && R->isCompleteDefinition() && R->getIdentifier()) {
        auto &Lay = C.getASTRecordLayout(R); O << "record " << R->getName() << " " << Lay.getSize().getQuantity();
        for (auto *F : R->fields()) O << " " << F->getName() << ":" << F->getType().getCanonicalType().getAsString(PPol) << "@" << Lay.getFieldOffset(F->getFieldIndex());
        O << "\n";
      } else if (auto *F = dyn_cast<FunctionDecl>(D); F && F->isExternallyVisible() && !F->isImplicit()) O << "func " << F->getName() << " " << F->getType().getCanonicalType().getAsString(PPol) << "\n";
    }
  }
};
struct Action : PluginASTAction {
  std::unique_ptr<ASTConsumer> CreateASTConsumer(CompilerInstance &CI, StringRef) override {
    CI.getPreprocessor().addPPCallbacks(std::make_unique<PP>(CI));
    return std::make_unique<Consumer>(CI);
  }
  bool ParseArgs(const CompilerInstance &, const std::vector<std::string> &A) override {
    for (auto &S : A) { auto P = StringRef(S).split('='); if (P.first == "dump") Cfg.Dump = P.second.str(); else (P.first == "core" ? Cfg.Core : Cfg.Svc).push_back(P.second.str() + "/"); }
    return true;
  }
  ActionType getActionType() override { return AddBeforeMainAction; }
};
} // namespace
static FrontendPluginRegistry::Add<Action> X("safec", "check the service subset of C");
